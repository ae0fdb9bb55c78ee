"""A TLS server that answers as a test says, byte by byte: broken, late, lying, as no honest cluster would."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apps.gateways.connection import Connection


@dataclass
class Authority:
    """A certificate authority of the test's own."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(key, _certificate("test authority", key, key, "test authority", authority=True))

    @property
    def pem(self) -> str:
        return _pem(self.certificate)

    def issue(self, name: str) -> tuple[str, str]:
        """A certificate for 127.0.0.1 and its key, both PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        return _pem(_certificate(name, key, self.key, "test authority")), _key_pem(key)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    issuer: str,
    *,
    authority: bool = False,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if not authority:
        addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(addresses), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@dataclass
class Request:
    """What arrived: the first line's parts, headers with lower-case names, the body."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    socket: ssl.SSLSocket

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, body: bytes = b"{}", *, status: int = 200, **headers: str) -> None:
        """A whole answer with its length."""
        lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {len(body)}"]
        headers = {
            "Content-Type": "application/json",
            **{key.replace("_", "-"): v for key, v in headers.items()},
        }
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def begin(self, *, status: int = 200, kind: str = "application/json") -> None:
        """The head of an answer in chunks."""
        head = f"HTTP/1.1 {status} Words\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.send(head.encode())

    def chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        self.send(b"0\r\n\r\n")

    def hung_up(self, seconds: float = 15) -> bool:
        """Whether the client ends the connection within that time."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True


Answer = Callable[[Request], None]


@dataclass
class OddServer:
    """Counts and keeps the requests; `answer` may be exchanged at any time."""

    server: str
    authority: Authority
    answer: Answer
    requests: list[Request] = field(default_factory=list)

    def connection(self, **more: str) -> Connection:
        return Connection(self.server, **{"ca_data": self.authority.pem, "token": "canary-token", **more})


@contextmanager
def odd_server(answer: Answer, folder: Path, *, client_certificates: bool = False) -> Iterator[OddServer]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    authority = Authority.make()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (folder / "pem").write_text("".join(authority.issue("server")))
    context.load_cert_chain(folder / "pem")
    if client_certificates:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=authority.pem)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        odd = OddServer(f"https://127.0.0.1:{listener.getsockname()[1]}", authority, answer)
        threading.Thread(target=_accept, args=(listener, context, odd), daemon=True).start()
        yield odd


def _accept(listener: socket.socket, context: ssl.SSLContext, odd: OddServer) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(plain, context, odd), daemon=True).start()


def _serve(plain: socket.socket, context: ssl.SSLContext, odd: OddServer) -> None:
    try:
        with context.wrap_socket(plain, server_side=True) as connection:
            while request := _read(connection):
                odd.requests.append(request)
                odd.answer(request)
    except (OSError, ValueError):
        plain.close()


def _read(connection: ssl.SSLSocket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    method, target, _ = first.split(" ")
    return Request(method, target, headers, body, connection)
