"""HTTP to a pod or service through the API server's proxy: streamed, with nothing of ours inside."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Final, Literal, Self

import urllib3

from apps.gateways import labels
from apps.gateways.errors import Invalid, TooLarge
from apps.gateways.kubernetes import failures
from apps.gateways.kubernetes.giveup import GiveUp
from apps.gateways.kubernetes.paths import safe_path
from apps.gateways.kubernetes.resources import resource
from apps.gateways.kubernetes.streams import Stream
from apps.gateways.kubernetes.transport import Transport

METHODS: Final = ("GET", "HEAD", "POST")
MAX_RESPONSE: Final = 64 * 1024 * 1024
MAX_REQUEST: Final = 16 * 1024 * 1024
_ERROR_SIZE: Final = 1024 * 1024
_SENT: Final = {"accept", "content-type"}
_RETURNED: Final = {"content-type", "x-served-by", "x-request-id", "retry-after", "cache-control"}
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_PORT: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?")


class ProxyResponse:
    """An answer from behind the proxy. `status`, `headers` (lower-case names, an allow-list), `iter_bytes()`.

    Use it in a `with`: leaving it, or `close()` from any thread, hangs up, and the server behind notices.
    """

    def __init__(
        self,
        response: urllib3.BaseHTTPResponse,
        *,
        stream: Stream,
        max_bytes: int,
        prefix: bytes | None = None,
    ) -> None:
        self.status = response.status
        self.headers = {
            name.lower(): value for name, value in response.headers.items() if name.lower() in _RETURNED
        }
        self._stream = stream
        self._max_bytes = max_bytes
        self._prefix = prefix

    def iter_bytes(self) -> Iterator[bytes]:
        """The body as it arrives. Raises TooLarge, TimedOut, Unreachable; ends when closed."""
        if self._prefix is not None:
            yield from [self._prefix] if self._prefix else []
            return
        size = 0
        for chunk in self._stream.chunks():
            size += len(chunk)
            if size > self._max_bytes:
                self.close()
                raise TooLarge(f"The answer is larger than {self._max_bytes:,} bytes.")
            yield chunk

    def read(self) -> bytes:
        """The whole body."""
        return b"".join(self.iter_bytes())

    def close(self) -> None:
        """Hang up, from any thread."""
        self._stream.close()

    @property
    def closed(self) -> bool:
        """Whether it is over."""
        return self._stream.closed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Proxy:
    """The proxy verb."""

    transport: Transport

    def proxy(
        self,
        kind: Literal["pods", "services"],
        name: str,
        port: int | str,
        path: str,
        *,
        namespace: str,
        method: str = "GET",
        query: Sequence[tuple[str, str]] | Mapping[str, str] = (),
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 600,
        first_byte: float = 30,
        max_bytes: int = MAX_RESPONSE,
        give_up: GiveUp | None = None,
    ) -> ProxyResponse:
        """Ask a pod or service; returns when the answer's headers are here, whatever its status.

        `timeout` caps the whole exchange and `first_byte` the wait for headers and between bytes, in seconds.
        Only Accept and Content-Type of `headers` are sent. Redirects are not followed, and where they lead is
        not told. Raises Invalid for a path, port or method that is not accepted; NotFound, Forbidden or
        Unreachable when it was the cluster that refused (no such service, no ready pod). `give_up` lets
        another thread end the wait for headers.
        """
        target = self._target(kind, name, port, path, namespace)
        _check_request(method, body)
        started = time.monotonic()
        with (give_up or GiveUp()).watching():
            response = self.transport.stream(
                method,
                target,
                query=list(query.items()) if isinstance(query, Mapping) else list(query),
                body=body,
                headers=_allowed(headers or {}),
                first_byte=min(first_byte, timeout),
            )
        left = timeout - (time.monotonic() - started)
        stream = Stream(response, silence=first_byte, total=left)
        return _answer(response, stream, max_bytes=max_bytes)

    def _target(self, kind: str, name: str, port: int | str, path: str, namespace: str) -> str:
        if kind not in ("pods", "services"):
            raise Invalid("Only pods and services can be asked.")
        if labels.name_problem(namespace) or not _NAME.fullmatch(name):
            raise Invalid(f"“{namespace[:80]}/{name[:80]}” does not name a pod or service.")
        if not _valid_port(port):
            raise Invalid("That is not a port.")
        inner = safe_path(path)
        return resource(kind).path(namespace, f"{name}:{port}", "proxy").replace("%3A", ":") + "/" + inner


def _check_request(method: str, body: bytes | None) -> None:
    if method not in METHODS:
        raise Invalid(f"{method[:20]} is not accepted; use one of {', '.join(METHODS)}.")
    if body is not None and len(body) > MAX_REQUEST:
        raise TooLarge(f"The request is larger than {MAX_REQUEST:,} bytes.")


def _valid_port(port: int | str) -> bool:
    text = str(port)
    if text.isascii() and text.isdigit():
        return 1 <= int(text[:6]) <= 65535 and len(text) <= 5
    return bool(_PORT.fullmatch(text))


def _allowed(headers: Mapping[str, str]) -> dict[str, str]:
    """What may go along. A line break would begin a header of the caller's choice."""
    for value in headers.values():
        if any(character in "\r\n\0" for character in value):
            raise Invalid("A header must be one line.")
    return {name.title(): value for name, value in headers.items() if name.lower() in _SENT}


def _answer(response: urllib3.BaseHTTPResponse, stream: Stream, *, max_bytes: int) -> ProxyResponse:
    """Tell the cluster's own refusals (a Status) from answers of the server behind."""
    is_json = response.headers.get("Content-Type", "").startswith("application/json")
    if response.status < 400 or not is_json:
        return ProxyResponse(response, stream=stream, max_bytes=max_bytes)
    body = stream.read_all(min(max_bytes, _ERROR_SIZE))
    if status := failures.read_status(body):
        raise failures.from_status(status, code=response.status, headers=response.headers)
    return ProxyResponse(response, stream=stream, max_bytes=max_bytes, prefix=body)
