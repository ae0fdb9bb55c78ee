"""Answers that arrive bit by bit: lines of a log, events of a watch. Any thread may close them."""

import socket
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

import msgspec
import urllib3

from apps.gateways import errors
from apps.gateways.kubernetes import failures

_CHUNK: Final = 1 << 16
MAX_LINE: Final = 16 * 1024 * 1024


class Stream:
    """The body of one answer. `close()` wakes a reader in another thread and hangs up at once."""

    def __init__(
        self,
        response: urllib3.BaseHTTPResponse,
        *,
        silence: float,
        total: float | None = None,
        writing: bool = False,
    ) -> None:
        self._response = response
        self._silence = silence
        self._total = total
        self._writing = writing
        self._deadline = None if total is None else time.monotonic() + total
        self._reading = threading.Lock()
        self._closed = threading.Event()
        self._cut = False
        self._socket = _socket_of(response)

    @property
    def closed(self) -> bool:
        """Whether somebody closed it, or it was read to its end."""
        return self._closed.is_set()

    def close(self) -> None:
        """Stop: the server sees the connection end now, a reader's loop ends without an error."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._hang_up()
        if self._reading.acquire(timeout=1):
            try:
                self._response.close()
            finally:
                self._reading.release()

    def chunks(self) -> Iterator[bytes]:
        """Bytes as they come. Raises TimedOut on silence, Unreachable when the connection breaks."""
        try:
            while chunk := self._read():
                yield chunk
            self._finish()
        finally:
            self.close()

    def lines(self, *, strict: bool = False) -> Iterator[bytes]:
        """Whole lines without newline; a last one that has none is yielded too, or `strict` is an error.

        Overlong lines come in pieces.
        """
        rest = bytearray()
        for chunk in self.chunks():
            *whole, tail = chunk.split(b"\n")
            for line in whole:
                rest += line
                yield bytes(rest)
                rest.clear()
            rest += tail
            if len(rest) > MAX_LINE:
                yield bytes(rest)
                rest.clear()
        if rest and not self._cut:
            if strict:
                raise errors.Unreachable("The stream broke in the middle of a line.")
            yield bytes(rest)

    def read_all(self, limit: int) -> bytes:
        """The whole body, under a cap on its size."""
        found: list[bytes] = []
        size = 0
        for chunk in self.chunks():
            found.append(chunk)
            size += len(chunk)
            if size > limit:
                self.close()
                raise errors.TooLarge(f"The answer is larger than {limit:,} bytes.")
        return b"".join(found)

    def _finish(self) -> None:
        """Read to its end: the connection may serve the next request."""
        with self._reading:
            if not self._closed.is_set():
                self._closed.set()
                self._response.release_conn()

    def _read(self) -> bytes:
        with self._reading:
            if self._closed.is_set():
                self._cut = True
                return b""
            try:
                self._arm()
                chunk = self._response.read1(_CHUNK)
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                return self._broken(error)
        if self._closed.is_set():
            self._cut = True
            return b""
        return chunk

    def _broken(self, error: Exception) -> bytes:
        if self._closed.is_set():
            self._cut = True
            return b""
        timeout = self._silence if self._total is None else min(self._silence, self._total)
        raise failures.from_exception(error, timeout=timeout, writing=self._writing) from error

    def _arm(self) -> None:
        """Let the socket wait no longer than the silence allowed and the time left."""
        wait = self._silence
        if self._deadline is not None:
            wait = min(wait, self._deadline - time.monotonic())
            if wait <= 0:
                raise TimeoutError
        if self._socket is not None and self._socket.fileno() >= 0:
            self._socket.settimeout(wait)

    def _hang_up(self) -> None:
        if self._socket is None:
            return
        try:
            # Not SSLSocket.shutdown: it drops the TLS layer under a reader, who would then see ciphertext.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was quicker

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _socket_of(response: urllib3.BaseHTTPResponse) -> socket.socket | None:
    """The socket below an answer. After "Connection: close" only the answer's own shutdown still knows it."""
    found = getattr(getattr(response, "_sock_shutdown", None), "__self__", None)
    return found if isinstance(found, socket.socket) else getattr(response.connection, "sock", None)


class Lines(Iterator[bytes]):
    """Lines of a pod's log, without newlines. Close it, or use it in a `with`."""

    def __init__(self, stream: Stream, *, strict: bool = False) -> None:
        self._stream = stream
        self._lines = stream.lines(strict=strict)

    def __next__(self) -> bytes:
        return next(self._lines)

    def close(self) -> None:
        """Stop, from any thread: the iteration ends, the server is told by the connection's end."""
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


class _EventHead(msgspec.Struct):
    type: str = ""
    object: msgspec.Raw = msgspec.Raw(b"{}")


_HEAD = msgspec.json.Decoder(_EventHead)
_USUAL: Final = (b'{"type":"ADDED"', b'{"type":"MODIFIED"', b'{"type":"DELETED"', b'{"type":"BOOKMARK"')


class Watch(Lines):
    """Raw JSON lines of a watch, bookmarks included: decode them with `decode.decode_event`.

    Ends when the server ends it (its timeout) or somebody closes it. Raises Gone when the revision is too
    old (the server says so inside a 200), TimedOut after too long a silence, Unreachable when the connection
    breaks: in both of the latter cases go on from the last revision seen.
    """

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream, strict=True)

    def __next__(self) -> bytes:
        line = next(self._lines)
        while not line.strip():
            line = next(self._lines)
        if not line.startswith(_USUAL):
            self._check(line)
        return line

    def _check(self, line: bytes) -> None:
        try:
            head = _HEAD.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.close()
            raise errors.Unreachable("The watch broke in the middle of a line.") from error
        if head.type == "ERROR":
            self.close()
            raise failures.from_status(failures.read_status(bytes(head.object)))
