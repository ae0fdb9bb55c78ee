"""Where a cluster is and as whom the portal speaks to it.

A pasted kubeconfig can run programs, read files of the portal's machine and redirect traffic. So only four
things are taken from it: the server's address, the CA's data, a token, or a client certificate's data.
Everything else is refused by name.
"""

import base64
import binascii
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import yaml

from apps.gateways.errors import Invalid

MAX_KUBECONFIG: Final = 1_000_000
_CLUSTER_KEYS: Final = {"server", "certificate-authority-data", "disable-compression", "extensions"}
_USER_KEYS: Final = {"token", "client-certificate-data", "client-key-data", "extensions"}
_REFUSED: Final = {
    "exec": "This kubeconfig runs a program to log in. Use one with a token.",
    "auth-provider": "This kubeconfig runs a program to log in. Use one with a token.",
    "tokenFile": "This kubeconfig reads its token from a file. Paste the token itself.",
    "certificate-authority": "This kubeconfig names a certificate file. Paste certificate-authority-data.",
    "client-certificate": "This kubeconfig names a certificate file. Paste client-certificate-data.",
    "client-key": "This kubeconfig names a key file. Paste client-key-data.",
    "proxy-url": "This kubeconfig sends the traffic through a proxy. That is not accepted.",
    "insecure-skip-tls-verify": "This kubeconfig switches certificate checks off. That is not accepted.",
    "username": "Passwords are not accepted. Use a token.",
    "password": "Passwords are not accepted. Use a token.",
}
_METADATA_ADDRESSES: Final = {
    ipaddress.ip_address(text)
    for text in ("fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "169.254.169.254")
}
_METADATA_NAMES: Final = {
    "metadata",
    "metadata.google.internal",
    "instance-data",
    "instance-data.ec2.internal",
}


@dataclass(frozen=True)
class Connection:
    """One API server and one identity.

    `server` is an https URL; `ca_data` and the client certificate are PEM (base64 of PEM is understood), an
    empty `ca_data` means the system's trust store; `namespace` is used where a call names none. Credentials
    do not show in `repr`. Raises Invalid for a server or credential that is not acceptable.
    """

    server: str
    ca_data: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    client_certificate_data: str = field(default="", repr=False)
    client_key_data: str = field(default="", repr=False)
    namespace: str = "default"

    def __post_init__(self) -> None:
        object.__setattr__(self, "server", check_server(self.server))
        object.__setattr__(self, "token", _check_token(self.token))
        for name in ("ca_data", "client_certificate_data", "client_key_data"):
            object.__setattr__(self, name, _pem(getattr(self, name), name))
        if bool(self.client_certificate_data) != bool(self.client_key_data):
            raise Invalid("A client certificate needs its key, and a key its certificate.")


def from_kubeconfig(text: str, context: str = "") -> Connection:
    """Read one context of a kubeconfig (default: its current one). Raises Invalid, saying what is wrong."""
    config = _parse(text)
    chosen = _context(config, context)
    cluster = _named(config, "clusters", "cluster", str(chosen.get("cluster", "")))
    user = _named(config, "users", "user", str(chosen.get("user", "")))
    _refuse_unknown(cluster, _CLUSTER_KEYS)
    _refuse_unknown(user, _USER_KEYS)
    if not user.get("token") and not user.get("client-certificate-data"):
        raise Invalid("This kubeconfig has no token and no client certificate.")
    return Connection(
        server=_text(cluster, "server"),
        ca_data=_text(cluster, "certificate-authority-data"),
        token=_text(user, "token"),
        client_certificate_data=_text(user, "client-certificate-data"),
        client_key_data=_text(user, "client-key-data"),
        namespace=_text(chosen, "namespace") or "default",
    )


def check_server(url: str) -> str:
    """Return the address of an API server without a closing slash, or raise Invalid.

    Refused: anything but https, user info, a query, cloud metadata and link-local addresses in every
    spelling that a resolver understands. Private and loopback addresses are allowed: an administrator enters
    them, and clusters live there.
    """
    if not url.isascii() or any(character <= " " or character == "\\" for character in url):
        raise Invalid("The server's address has characters that do not belong there.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Invalid("The server's address cannot be read.") from error
    if parts.scheme != "https" or not parts.hostname or port == 0:
        raise Invalid("The server's address must look like https://host:port.")
    _check_parts(parts)
    _check_host(parts.hostname)
    return url.rstrip("/")


def _check_parts(parts: SplitResult) -> None:
    if "@" in parts.netloc:
        raise Invalid("The server's address must not hold a user name.")
    if parts.query or parts.fragment:
        raise Invalid("The server's address must not hold a query.")
    if "%" in parts.path or any(part in (".", "..") for part in parts.path.split("/")):
        raise Invalid("The server's address has a path that is not accepted.")


def _check_host(host: str) -> None:
    name = host.lower().rstrip(".")
    if name in _METADATA_NAMES:
        raise Invalid("That address belongs to the cloud's metadata service.")
    address = _literal(name)
    if address is None:
        return
    if address in _METADATA_ADDRESSES or address.is_link_local:
        raise Invalid("Link-local and metadata addresses are not accepted.")
    if address.is_unspecified or address.is_multicast:
        raise Invalid("That is not the address of one machine.")


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host spells out, also as `0xA9FEA9FE`, `2852039166` or `::ffff:169.254.1.1`."""
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except OSError:
            return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _parse(text: str) -> dict[str, Any]:
    if len(text) > MAX_KUBECONFIG:
        raise Invalid("This kubeconfig is too large.")
    try:
        config = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Invalid("This is not a kubeconfig: it is not valid YAML.") from error
    if not isinstance(config, dict) or not isinstance(config.get("clusters"), list):
        raise Invalid("This is not a kubeconfig: it lists no clusters.")
    return config


def _context(config: Mapping[str, Any], wanted: str) -> dict[str, Any]:
    name = wanted or str(config.get("current-context") or "")
    contexts = config.get("contexts")
    if not name and isinstance(contexts, list) and len(contexts) == 1 and isinstance(contexts[0], dict):
        name = str(contexts[0].get("name", ""))
    if not name:
        raise Invalid("This kubeconfig has no current context: name one.")
    return _named(config, "contexts", "context", name)


def _named(config: Mapping[str, Any], section: str, key: str, name: str) -> dict[str, Any]:
    entries = config.get(section)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("name") == name and isinstance(entry.get(key), dict):
            return dict(entry[key])
    raise Invalid(f"This kubeconfig has no {key} named “{name}”.")


def _refuse_unknown(section: Mapping[str, Any], allowed: set[str]) -> None:
    for key, value in section.items():
        if key == "insecure-skip-tls-verify" and value is False:
            continue
        if key in _REFUSED:
            raise Invalid(_REFUSED[key])
        if key not in allowed:
            raise Invalid(f"“{key}” in a kubeconfig is not accepted.")


def _text(section: Mapping[str, Any], key: str) -> str:
    value = section.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(f"“{key}” must be text.")
    return value.strip()


def _check_token(token: str) -> str:
    """A token goes into a header: printable ASCII without blanks, or nothing."""
    token = token.strip()
    if any(not "!" <= character <= "~" for character in token):
        raise Invalid("The token has characters that do not belong there.")
    return token


def _pem(data: str, name: str) -> str:
    """PEM text from PEM or from base64 of it."""
    data = data.strip()
    if not data or data.startswith("-----BEGIN "):
        return data
    try:
        text = base64.b64decode("".join(data.split()), validate=True).decode("ascii").strip()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Invalid(f"{name} is neither PEM nor base64 of it.") from error
    if not text.startswith("-----BEGIN "):
        raise Invalid(f"{name} holds no PEM.")
    return text
