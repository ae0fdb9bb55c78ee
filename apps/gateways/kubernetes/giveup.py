"""Giving up a call whose answer has not begun: another thread closes its connection, the server notices.

call = GiveUp()
with call.watching():           # in the thread that waits
    response = pool.urlopen(...)
call.give_up()                  # in any other thread
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from urllib3 import HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPSConnection

_waiting = threading.local()


class GiveUp:
    """One call that may be given up until its answer begins; afterwards its Stream is what to close."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: HTTPSConnection | None = None
        self._given_up = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """The request that this thread sends inside is the call."""
        _waiting.call = self
        try:
            yield
        finally:
            _waiting.call = None
            with self._lock:
                self._connection = None

    def give_up(self) -> None:
        """Close the connection if the answer has not begun: who waits for it gets Unreachable at once."""
        with self._lock:
            self._given_up = True
            self._hang_up()

    def sent(self, connection: HTTPSConnection) -> None:
        """The request left on this connection."""
        with self._lock:
            self._connection = connection
            if self._given_up:
                self._hang_up()

    def _hang_up(self) -> None:
        held = self._connection.sock if self._connection else None
        if held is None:
            return
        try:
            # Not SSLSocket.shutdown: it drops the TLS layer under a reader.
            socket.socket.shutdown(held, socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was quicker


class _Connection(HTTPSConnection):
    """A connection that says on which of them a call was sent."""

    def request(self, *args: Any, **kwargs: Any) -> None:
        """As urllib3's."""
        super().request(*args, **kwargs)
        call: GiveUp | None = getattr(_waiting, "call", None)
        if call is not None:
            call.sent(self)


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


def make_watchable(pool: PoolManager) -> None:
    """Have the manager open connections whose calls can be given up."""
    pool.pool_classes_by_scheme = {**pool.pool_classes_by_scheme, "https": _Pool}
