"""Threads that close what a call leaves behind; asked for from anywhere, even within the garbage collector.

The collector runs between any two instructions of any thread. Whoever takes a lock there may wait for one
that its own thread holds, for ever, and with it the event loop; a ThreadPoolExecutor's `submit` takes two.
`queue.SimpleQueue.put` is the call that Python's documentation allows in destructors and weakref callbacks.
"""

import queue
import threading
from collections.abc import Callable

import structlog

logger = structlog.get_logger(__name__)


class Closers:
    """`threads` of them, which `start()` begins and which end with the process."""

    def __init__(self, threads: int) -> None:
        self._acts: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._missing = threads

    def start(self) -> None:
        """Begin, if not done; not from within the collector."""
        with self._lock:
            while self._missing:
                threading.Thread(target=self._run, name="model-call-closer", daemon=True).start()
                self._missing -= 1

    def soon(self, act: Callable[[], None]) -> None:
        """Have it done by a thread that was started; never waits, from wherever it is said."""
        self._acts.put(act)

    def _run(self) -> None:
        while True:
            act = self._acts.get()
            try:
                act()
            except Exception:
                logger.exception("model_call_not_closed")
