"""From a thread that reads a model's answer to the event loop that passes it on.

One thread reads one answer to its end, so a token costs no trip to a thread and back. What has come while
the loop was busy goes on together; a caller who takes nothing makes the thread wait, and so the model.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

from apps.gateways.kubernetes.proxy import ProxyResponse

MOST_WAITING = 256 * 1024


class Pump:
    """One answer's way. `run()` belongs to a thread, iteration to the event loop where it was made."""

    def __init__(self, upstream: ProxyResponse) -> None:
        self._upstream = upstream
        self._loop = asyncio.get_running_loop()
        self._came = asyncio.Event()
        self._change = threading.Condition()
        self._waiting: list[bytes] = []
        self._size = 0
        self._over = False
        self._error: Exception | None = None

    def run(self) -> None:
        """Read to the end, to an error, or until the answer is closed."""
        try:
            for chunk in self._upstream.iter_bytes():
                if not self._put(chunk):
                    return
        except Exception as error:  # noqa: BLE001  whatever it is, it belongs to whoever iterates
            self._error = error
        finally:
            self.stop()

    def stop(self) -> None:
        """Nothing more comes, and the thread waits for nobody. From any thread, more than once."""
        with self._change:
            self._over = True
            self._change.notify()
        self._tell()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """What came, whenever something came. Raises what reading raised, behind what came before it."""
        over = False
        while not over:
            await self._came.wait()
            chunk, over = self._take()
            if chunk:
                yield chunk
        if self._error is not None:
            raise self._error

    def _put(self, chunk: bytes) -> bool:
        """Leave a chunk for the loop; False when nobody wants any more."""
        with self._change:
            self._change.wait_for(lambda: self._over or self._size < MOST_WAITING)
            if self._over:
                return False
            first = not self._waiting
            self._waiting.append(chunk)
            self._size += len(chunk)
        if first:
            self._tell()
        return True

    def _take(self) -> tuple[bytes, bool]:
        """All that waits, and whether that was the end."""
        with self._change:
            self._came.clear()
            chunk, self._waiting, self._size = b"".join(self._waiting), [], 0
            self._change.notify()
            return chunk, self._over

    def _tell(self) -> None:
        """Wake the loop; one that has ended needs no waking."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._came.set)
