"""Real gateways with a fault in the line: answers lost after the write, meddlers in between, guards switched
off.
"""

from collections.abc import Callable
from typing import Any

from apps.gateways.errors import TimedOut
from apps.gateways.kubernetes import Kubernetes

Operations = list[dict[str, Any]]


class LosesAnswers(Kubernetes):
    """The next `count` JSON patches reach the server (or do not), and no answer comes back."""

    count = 1
    applied = True

    def patch_json(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if self.count <= 0:
            return super().patch_json(*args, **kwargs)
        self.count -= 1
        if self.applied:
            super().patch_json(*args, **kwargs)
        raise TimedOut("No answer.", maybe_done=True)


class Meddled(Kubernetes):
    """Right before each JSON patch somebody else does something."""

    meddle: Callable[[], None] = staticmethod(lambda: None)
    guarded = True

    def patch_json(self, resource: str, name: str, operations: Operations, **kwargs: Any) -> dict[str, Any]:
        self.meddle()
        sent = operations if self.guarded else [item for item in operations if item["op"] != "test"]
        return super().patch_json(resource, name, sent, **kwargs)


class Dies(Kubernetes):
    """The process dies before or after its patch: nothing that follows is done."""

    after = False

    def patch_json(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if self.after:
            super().patch_json(*args, **kwargs)
        raise Killed


class Killed(BaseException):
    """Stands for SIGKILL: no `except Exception` sees it."""
