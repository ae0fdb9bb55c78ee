"""The garbage collector: what is left when an owner goes, by background, foreground and orphan rules."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import cast

from devcluster.controllers.base import Controller
from devcluster.errors import NotFound
from devcluster.objects import Json, Key, is_terminating, key_of, uid_of, with_metadata
from devcluster.resources import REGISTRY, Resource, resource_for
from devcluster.store import Event

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
Where = tuple[str, Key]  # resource key, object key


class GarbageCollector(Controller):
    name = "garbage"

    def start(self) -> None:
        self.kinds: dict[str, Resource] = {}
        self.dependents: dict[str, set[Where]] = {}
        self.owners: dict[Where, frozenset[str]] = {}
        for kind in REGISTRY:
            if kind.stored and kind.plural != "events":
                self.kinds[kind.key] = kind
                cache = self.watch(kind, partial(self._on_event, kind))
                for obj in cache.list():
                    self._index((kind.key, key_of(obj)), obj)
                    self._consider(kind, obj, new=True)

    def _on_event(self, kind: Resource, event: Event) -> None:
        where = (kind.key, event.key)
        if event.type == "DELETED":
            self._gone(where, event.obj)
            return
        changed = self._index(where, event.obj)
        self._consider(kind, event.obj, new=changed)

    def _index(self, where: Where, obj: Json) -> bool:
        """Note whose dependent this is; True when that changed."""
        uids = frozenset(ref["uid"] for ref in obj["metadata"].get("ownerReferences") or ())
        before = self.owners.get(where, frozenset())
        for uid in before - uids:
            self.dependents.get(uid, set()).discard(where)
        for uid in uids - before:
            self.dependents.setdefault(uid, set()).add(where)
        if uids:
            self.owners[where] = uids
        else:
            self.owners.pop(where, None)
        return uids != before

    def _consider(self, kind: Resource, obj: Json, *, new: bool) -> None:
        where = (kind.key, key_of(obj))
        finalizers = obj["metadata"].get("finalizers") or ()
        if is_terminating(obj) and (FOREGROUND in finalizers or ORPHAN in finalizers):
            self.queue.add(("finalize", where))
        elif new and obj["metadata"].get("ownerReferences"):
            self.queue.add(("check", where))

    def _gone(self, where: Where, obj: Json) -> None:
        """Its dependents may be orphans now; a foreground owner may have waited for it."""
        self._index(where, with_metadata(obj, ownerReferences=None))
        for dependent in self.dependents.pop(uid_of(obj), set()):
            self.queue.add(("check", dependent))
        for reference in obj["metadata"].get("ownerReferences") or ():
            owner = _owner_place(obj, reference)
            if owner is not None:
                self.queue.add(("finalize", (owner[0].key, owner[1])))

    def sync(self, key: Hashable) -> None:
        what, (kind_key, place) = cast(tuple[str, Where], key)
        kind = self.kinds[kind_key]
        obj = self.live(kind, place)
        if obj is None:
            return
        if what == "check":
            self._check(kind, obj)
        elif is_terminating(obj):
            self._finalize(kind, obj)

    # --- dependents ---------------------------------------------------------------------------------

    def _check(self, kind: Resource, obj: Json) -> None:
        """Delete an object whose owners are all gone; drop references to those that are."""
        references = obj["metadata"].get("ownerReferences") or []
        if not references or (is_terminating(obj) and not _waits_for_dependents(obj)):
            return
        solid = [ref for ref in references if self._state(obj, ref) == "solid"]
        waiting = [ref for ref in references if self._state(obj, ref) == "waiting"]
        if solid:
            if len(solid) < len(references):
                self.update(kind, with_metadata(obj, ownerReferences=solid))
            return
        finalizers = obj["metadata"].get("finalizers") or ()
        deep = bool(waiting and self.dependents.get(uid_of(obj))) or FOREGROUND in finalizers
        if is_terminating(obj):
            return
        policy = "Orphan" if ORPHAN in finalizers else "Foreground" if deep else "Background"
        self.delete(kind, obj, propagation=policy)

    def _state(self, obj: Json, reference: Json) -> str:
        """solid: lives; waiting: goes, but only after its dependents; dangling: gone."""
        place = _owner_place(obj, reference)
        if place is None:
            return "solid"
        owner = self.live(*place)
        if owner is None or uid_of(owner) != reference["uid"]:
            return "dangling"
        blocks = reference.get("blockOwnerDeletion") and _waits_for_dependents(owner)
        return "waiting" if blocks else "solid"

    # --- owners -------------------------------------------------------------------------------------

    def _finalize(self, kind: Resource, owner: Json) -> None:
        finalizers = owner["metadata"].get("finalizers") or []
        if ORPHAN in finalizers:
            self._orphan_dependents(owner)
            self._drop(kind, owner, ORPHAN)
        elif FOREGROUND in finalizers:
            blocking = [item for item in self._living(owner) if _blocks(item[1], owner)]
            for child_kind, child in blocking:
                self.queue.add(("check", (child_kind.key, key_of(child))))
            if not blocking:
                self._drop(kind, owner, FOREGROUND)

    def _living(self, owner: Json) -> list[tuple[Resource, Json]]:
        found = []
        for kind_key, place in sorted(self.dependents.get(uid_of(owner), set())):
            child = self.live(self.kinds[kind_key], place)
            if child is not None:
                found.append((self.kinds[kind_key], child))
        return found

    def _orphan_dependents(self, owner: Json) -> None:
        for kind, child in self._living(owner):
            left = [
                ref for ref in child["metadata"].get("ownerReferences") or () if ref["uid"] != uid_of(owner)
            ]
            self.update(kind, with_metadata(child, ownerReferences=left or None))

    def _drop(self, kind: Resource, owner: Json, finalizer: str) -> None:
        left = [entry for entry in owner["metadata"]["finalizers"] if entry != finalizer]
        try:
            self.update(kind, with_metadata(owner, finalizers=left or None))
        except NotFound:
            return


def _waits_for_dependents(obj: Json) -> bool:
    return is_terminating(obj) and FOREGROUND in (obj["metadata"].get("finalizers") or ())


def _blocks(child: Json, owner: Json) -> bool:
    references = child["metadata"].get("ownerReferences") or ()
    return any(ref["uid"] == uid_of(owner) and ref.get("blockOwnerDeletion") for ref in references)


def _owner_place(obj: Json, reference: Json) -> tuple[Resource, Key] | None:
    """Where an owner is stored; None for a kind this cluster does not serve."""
    try:
        kind = resource_for(reference["apiVersion"], reference["kind"])
    except KeyError:
        return None
    namespace = obj["metadata"].get("namespace", "") if kind.namespaced else ""
    return kind, (namespace, reference["name"])
