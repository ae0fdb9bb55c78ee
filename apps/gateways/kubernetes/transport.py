"""HTTP to one API server: the official client's configuration, authentication and connection pool, raw bytes.

Retries happen here and only here: what merely reads is tried again with a jittered back-off until the
deadline; a write only when the server said 429 with Retry-After, which promises that nothing was done.
"""

import os
import random
import ssl
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import urllib3

from apps.gateways.connection import Connection
from apps.gateways.errors import GatewayError, ServerError, TimedOut, TooManyRequests
from apps.gateways.kubernetes import failures
from apps.gateways.kubernetes.giveup import make_watchable
from apps.gateways.kubernetes.streams import Stream

Query = Sequence[tuple[str, str]]
USER_AGENT: Final = "hyperpod-portal"
POOL_SIZE: Final = 32
ATTEMPTS: Final = 4
MAX_BODY: Final = 256 * 1024 * 1024
_RETRIED_STATUSES: Final = {429, 500, 502, 503, 504}


class Transport:
    """A thread-safe pool of connections to one server. A forked child opens connections of its own."""

    def __init__(self, connection: Connection, *, timeout: float) -> None:
        self.connection = connection
        self.timeout = timeout
        self._lock = threading.Lock()
        self._pid = 0
        self._pool: urllib3.PoolManager | None = None
        self._auth: dict[str, str] = {}

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: object = None,
        content_type: str = "application/json",
        timeout: float | None = None,
    ) -> bytes:
        """Send, read the whole answer and return it.

        `timeout` is the deadline in seconds for everything, retries included (default: the client's).
        Raises a GatewayError for any answer of 400 or above and for any failure to get one.
        """
        timeout = self.timeout if timeout is None else timeout
        deadline = time.monotonic() + timeout
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": content_type} if data is not None else {}
        attempt = 1
        while True:
            try:
                return self._once(method, path, query, data, headers, deadline, timeout)
            except GatewayError as error:
                pause = _pause(error, attempt, reading=method == "GET")
                if pause is None or time.monotonic() + pause >= deadline:
                    raise
            time.sleep(pause)
            attempt += 1

    def stream(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        first_byte: float,
    ) -> urllib3.BaseHTTPResponse:
        """Send once and return as soon as the answer's headers are here, whatever its status.

        `first_byte` seconds may pass until then, and between two reads. The caller must close it. Redirects
        are never followed.
        """
        pool = self._open()
        try:
            return pool.urlopen(
                method,
                self.url(path, query),
                redirect=False,
                body=body,
                headers={
                    "User-Agent": USER_AGENT,
                    "Accept": "application/json",
                    **(headers or {}),
                    **self._auth,
                },
                retries=False,
                timeout=urllib3.Timeout(connect=min(self.timeout, first_byte), read=first_byte),
                preload_content=False,
                decode_content=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise failures.from_exception(error, timeout=first_byte, writing=method != "GET") from error

    def url(self, path: str, query: Query = ()) -> str:
        """The address of a path, with a quoted query."""
        tail = "?" + urlencode(list(query), quote_via=quote) if query else ""
        return f"{self.connection.server}{path}{tail}"

    def close(self) -> None:
        """Close the idle connections; streams under way keep theirs."""
        with self._lock:
            if self._pool is not None:
                self._pool.clear()

    def _once(
        self,
        method: str,
        path: str,
        query: Query,
        data: bytes | None,
        headers: Mapping[str, str],
        deadline: float,
        timeout: float,
    ) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimedOut(f"The server did not answer within {timeout:g} s.")
        response = self.stream(method, path, query=query, body=data, headers=headers, first_byte=left)
        rest = deadline - time.monotonic()
        stream = Stream(response, silence=timeout, total=rest, writing=method != "GET")
        answer = stream.read_all(MAX_BODY)
        if response.status >= 300:
            raise failures.from_answer(response.status, response.headers, answer)
        return answer

    def _open(self) -> urllib3.PoolManager:
        with self._lock:
            if self._pool is None or self._pid != os.getpid():
                self._pool, self._auth = _build(self.connection)
                self._pid = os.getpid()
            return self._pool


def _pause(error: GatewayError, attempt: int, *, reading: bool) -> float | None:
    """Seconds until the next attempt, None when there must be none."""
    if attempt >= ATTEMPTS:
        return None
    if isinstance(error, TooManyRequests) and error.retry_after is not None:
        return error.retry_after + random.uniform(0, 0.25)
    if not reading or not (error.retryable and (error.status is None or error.status in _RETRIED_STATUSES)):
        return None
    return random.uniform(0.5, 1.5) * min(2.0, 0.1 * 2.0**attempt)


def _build(connection: Connection) -> tuple[urllib3.PoolManager, dict[str, str]]:
    # Imported at first use: the package takes about a second and 50 MB, and most processes that import the
    # gateways never speak to a cluster.
    from kubernetes.client import ApiClient, Configuration

    configuration = Configuration(host=connection.server, connection_pool_maxsize=POOL_SIZE)
    configuration.keep_alive = True
    if connection.token:
        configuration.api_key = {"authorization": f"Bearer {connection.token}"}
    if _is_loopback(connection.server):
        configuration.proxy = None
    client = ApiClient(configuration)
    pool: urllib3.PoolManager = client.rest_client.pool_manager
    make_watchable(pool)
    pool.connection_pool_kw["ssl_context"] = _ssl_context(connection)
    auth: dict[str, str] = {}
    client.update_params_for_auth(auth, [], ["BearerToken"], "", "", None)
    return pool, {"Authorization" if key == "authorization" else key: value for key, value in auth.items()}


def _is_loopback(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _ssl_context(connection: Connection) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=connection.ca_data or None)
    # Cluster authorities made by kubeadm and older tools lack extensions that strict mode asks for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if connection.client_certificate_data:
        _load_client_certificate(context, connection)
    return context


def _load_client_certificate(context: ssl.SSLContext, connection: Connection) -> None:
    """OpenSSL reads a certificate from a file only: a private one that is gone at once."""
    descriptor, name = tempfile.mkstemp(prefix="portal-", suffix=".pem")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{connection.client_certificate_data}\n{connection.client_key_data}\n")
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()


def decode(body: bytes) -> Any:
    """JSON of an answer; raises ServerError when it is none (a portal of some hotel, a proxy's page)."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServerError("The server did not answer with JSON. Is it a Kubernetes API server?") from error
