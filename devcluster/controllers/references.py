"""Adopting what a selector matches and releasing what it no longer does (upstream's ControllerRefManager)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from devcluster.controllers.base import Controller
from devcluster.errors import Invalid, NotFound
from devcluster.objects import (
    Json,
    controller_ref,
    is_terminating,
    key_of,
    labels_of,
    matches,
    owner_reference,
    uid_of,
    with_metadata,
)
from devcluster.resources import Resource


def claim(
    controller: Controller,
    *,
    owner: Json,
    owner_resource: Resource,
    children: Iterable[Json],
    child_resource: Resource,
    selector: Json | None,
) -> list[Json]:
    """The children that belong to `owner`, after adopting and releasing; ApiError when a write failed."""
    may_adopt = _once(lambda: _owner_lives(controller, owner, owner_resource))
    claimed = []
    for child in children:
        kept = _claim_one(controller, owner, child, child_resource, selector, may_adopt)
        if kept is not None:
            claimed.append(kept)
    return claimed


def _once(check: Callable[[], bool]) -> Callable[[], bool]:
    answers: list[bool] = []

    def ask() -> bool:
        if not answers:
            answers.append(check())
        return answers[0]

    return ask


def _owner_lives(controller: Controller, owner: Json, resource: Resource) -> bool:
    """Upstream asks the API, not the cache, before it adopts."""
    fresh = controller.live(resource, key_of(owner))
    return fresh is not None and uid_of(fresh) == uid_of(owner) and not is_terminating(fresh)


def _claim_one(
    controller: Controller,
    owner: Json,
    child: Json,
    resource: Resource,
    selector: Json | None,
    may_adopt: Callable[[], bool],
) -> Json | None:
    reference = controller_ref(child)
    fits = matches(selector, labels_of(child))
    if reference is not None:
        if reference["uid"] != uid_of(owner):
            return None
        if fits:
            return child
        if not is_terminating(owner):
            _write_owners(controller, resource, child, without=uid_of(owner))
        return None
    if is_terminating(owner) or not fits or is_terminating(child) or not may_adopt():
        return None
    return _write_owners(controller, resource, child, add=owner)


def _write_owners(
    controller: Controller, resource: Resource, child: Json, *, without: str = "", add: Json | None = None
) -> Json | None:
    """Patch the owner references of the child as it is now; None when it is gone."""
    fresh = controller.live(resource, key_of(child))
    if fresh is None or uid_of(fresh) != uid_of(child):
        return None
    listed = [ref for ref in fresh["metadata"].get("ownerReferences") or () if ref["uid"] != without]
    if add is not None:
        if any(ref.get("controller") for ref in listed):
            return None
        listed.append(owner_reference(add))
    try:
        return controller.update(resource, with_metadata(fresh, ownerReferences=listed or None))
    except (NotFound, Invalid):
        return None
