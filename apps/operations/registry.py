"""Runners: functions that do long work, registered under a code when `<app>/operations.py` is imported.

@runner("Scale deployment", queue="quick")
def scale(run: Run, *, cluster_id: int, namespace: str, name: str, replicas: int) -> None: ...

@scale.on_cancel
def scale_back(run: Run, *, cluster_id: int, namespace: str, name: str, replicas: int) -> None: ...
"""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from apps.operations.run import Run

Work = Callable[..., None]
Queue = Literal["quick", "long"]
LIMITS: dict[str, float] = {"quick": 300, "long": 12 * 3600}

_runners: dict[str, "Runner"] = {}


class Runner:
    """A registered runner.

    `exclusive`: at most one active operation per target among all exclusive runners; `resumable`: may be
    started again after its worker died. One stretch in a process (waits do not count) may take
    `LIMITS[queue]` seconds.
    """

    def __init__(self, work: Work, title: str, *, queue: Queue, exclusive: bool, resumable: bool) -> None:
        self.work = work
        self.title = title
        self.queue = queue
        self.exclusive = exclusive
        self.resumable = resumable
        self.code = f"{work.__module__.split('.')[1]}.{work.__name__}"
        self.cleanup: Work | None = None

    def __repr__(self) -> str:
        return f"<Runner {self.code}>"

    def __call__(self, run: "Run", **params: Any) -> None:
        self.work(run, **params)

    def on_cancel(self, cleanup: Work) -> Work:
        """Register what takes half-done work back; called with the same parameters, at least once, after a
        cancel.
        """
        self.cleanup = cleanup
        return cleanup

    def check(self, params: dict[str, Any]) -> None:
        """Raise TypeError unless `params` are exactly the runner's keyword arguments."""
        inspect.signature(self.work).bind(None, **params)


def runner(
    title: str,
    *,
    queue: Queue = "quick",
    exclusive: bool = True,
    resumable: bool = True,
) -> Callable[[Work], Runner]:
    """Register the decorated function as `<app>.<function>`; two runners of one code raise ValueError."""

    def register(work: Work) -> Runner:
        made = Runner(work, title, queue=queue, exclusive=exclusive, resumable=resumable)
        known = _runners.setdefault(made.code, made)
        if known is not made:
            raise ValueError(f"two runners are called {made.code}")
        return made

    return register


def get(code: str) -> Runner | None:
    """The runner of that code; None when this version of the portal has none."""
    return _runners.get(code)


def runners() -> list[Runner]:
    """All registered runners, by code."""
    return [_runners[code] for code in sorted(_runners)]
