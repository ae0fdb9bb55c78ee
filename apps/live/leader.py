"""Leadership: one watcher writes, others stand by. A Postgres advisory lock on a connection of its own.

The lock lives as long as the connection, so a watcher that dies, or loses the database, is not the leader any
more. Whatever a former leader still has in hand is fenced off by the epoch of each SyncState.
"""

import contextlib
import threading
from types import TracebackType
from typing import Any, Self

import psycopg
import structlog
from django.db import connection

logger = structlog.get_logger(__name__)
CHECK_SECONDS = 1.0
CONNECTION_ONLY = ("pool", "server_side_binding", "assume_role", "isolation_level")


class Leadership:
    """`with Leadership("watch") as leader: leader.wait(stop)`; then `leader.held` until the lock is lost."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._connection: psycopg.Connection[Any] | None = None

    @property
    def held(self) -> bool:
        """Whether the lock was there when it was last looked at."""
        return self._connection is not None

    def take(self) -> bool:
        """Try to become the leader now. False when another one is, or the database is away."""
        if self._connection is not None:
            return self.check()
        try:
            mine = _connect()
        except psycopg.Error as error:
            logger.warning("leader_unreachable", lock=self.name, error=str(error))
            return False
        row = mine.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [f"portal:{self.name}"]).fetchone()
        if row and row[0]:
            self._connection = mine
            return True
        mine.close()
        return False

    def check(self) -> bool:
        """Whether the lock is still held: the connection answers. A lost lock is let go for good."""
        if self._connection is None:
            return False
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error as error:
            logger.warning("leadership_lost", lock=self.name, error=str(error))
            self.release()
        return self.held

    def wait(self, stop: threading.Event, every: float = CHECK_SECONDS) -> bool:
        """Stand by until leader, or until `stop` is set; says which."""
        while not stop.is_set():
            if self.take():
                return True
            stop.wait(every)
        return False

    def release(self) -> None:
        """Let go; another watcher may lead at once, not only when the server notices that we hung up."""
        mine, self._connection = self._connection, None
        if mine is not None:
            with contextlib.suppress(psycopg.Error):
                mine.execute("SELECT pg_advisory_unlock_all()")
            mine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _connect() -> psycopg.Connection[Any]:
    """A connection past Django and its pool, whose session nobody else uses; dead peers are noticed in
    seconds.
    """
    given = {
        key: value for key, value in connection.get_connection_params().items() if key not in CONNECTION_ONLY
    }
    for name in ("cursor_factory", "context", "prepare_threshold"):
        given.pop(name, None)
    alive: dict[str, Any] = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
    return psycopg.connect(**given, **alive, autocommit=True)
