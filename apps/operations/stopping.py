"""A worker that was asked to stop tells its processes so by one shared byte.

A run sees it between its steps and gives itself back to the queue, so that a restart costs seconds and no
operation is cut off in the middle of a step.
"""

import mmap

# Anonymous and shared: processes that are forked later see what their parent writes.
_asked = mmap.mmap(-1, 1)


def ask() -> None:
    """From now on runs of this worker give themselves back."""
    _asked[0] = 1


def asked() -> bool:
    """Whether this worker is to stop."""
    return bool(_asked[0])


def forget() -> None:
    """Go on as if nobody had asked, for tests in one process."""
    _asked[0] = 0
