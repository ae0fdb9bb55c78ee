"""The intent annotation of a scale-down on its Deployment: written first, removed last.

The patch that sets the size compares it, so what heals voids it first: then no late patch can land.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.utils import timezone

from apps.gateways import labels
from apps.gateways.kubernetes import Kubernetes
from apps.pools.handover.patch import pointer
from apps.pools.scaling.state import PoolState


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Whose scale-down it is, from and to which size, until when it may last, and whom it chose."""

    operation: str
    before: int
    replicas: int
    owner: str
    until: datetime
    fenced: bool
    victims: list[str] = []
    void: bool = False

    @property
    def text(self) -> str:
        """As it stands in the annotation."""
        return msgspec.json.encode(self).decode()

    @property
    def overdue(self) -> bool:
        """Whether it should have ended by now."""
        return timezone.now() > self.until


@dataclass(frozen=True)
class Unreadable:
    """An annotation that somebody else wrote or damaged."""

    operation: str = ""
    overdue: bool = True
    void: bool = True


def parse(text: str) -> Mark | Unreadable | None:
    """The annotation's meaning; None when there is none."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=Mark)
    except msgspec.MsgspecError:
        return Unreadable()


def write(kubernetes: Kubernetes, state: PoolState, text: str | None) -> None:
    """Set the annotation; None removes it."""
    body = {"metadata": {"annotations": {labels.SCALE: text}}}
    kubernetes.patch_merge("deployments", state.name, body, namespace=state.namespace)


def void(kubernetes: Kubernetes, state: PoolState) -> None:
    """From now on the scale-down that wrote the annotation cannot set the size any more."""
    mark = parse(state.mark)
    if isinstance(mark, Mark) and not mark.void:
        write(kubernetes, state, msgspec.structs.replace(mark, void=True).text)


def resize(mark: Mark) -> list[dict[str, Any]]:
    """The JSON patch that sets the size: only under this very mark and from this very size."""
    return [
        {"op": "test", "path": pointer("annotations", labels.SCALE), "value": mark.text},
        {"op": "test", "path": "/spec/replicas", "value": mark.before},
        {"op": "replace", "path": "/spec/replicas", "value": mark.replicas},
    ]


def of(deployment: Mapping[str, Any]) -> Mark | Unreadable | None:
    """The mark of a Deployment as listed."""
    return parse(str((deployment["metadata"].get("annotations") or {}).get(labels.SCALE, "")))
