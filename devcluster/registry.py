"""The one way objects are written: defaults, rules, admission, managedFields, then the store."""

from __future__ import annotations

import random
import uuid
from typing import Any

from devcluster import admission, defaults, managed
from devcluster.auth import ANONYMOUS, User
from devcluster.decode import Decoder
from devcluster.deletion import Deleted, Options, delete
from devcluster.errors import AlreadyExists, BadRequest, Conflict
from devcluster.managed import Writer
from devcluster.policies import Asked, Policies
from devcluster.resources import Resource, resource
from devcluster.schema import schema_of
from devcluster.store import Store, timestamp
from devcluster.validation import validate

Json = dict[str, Any]

SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
NAME_LIMIT = 63
PODS = resource("pods")
SERVER_OWNED = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
)


class Registry:
    """Writes on one store. `manager` names the writer in managedFields; empty keeps none."""

    def __init__(self, store: Store, *, rng: random.Random | None = None) -> None:
        self.store = store
        self.rng = rng or random.Random()
        self.obeys_quota = True
        self.policies = Policies(store)

    def create(
        self,
        kind: Resource,
        obj: Json,
        *,
        manager: str = "",
        dry_run: bool = False,
        user: User = ANONYMOUS,
    ) -> Json:
        """A new object; AlreadyExists, Invalid, Forbidden (quota, policy), NotFound (namespace)."""
        metadata = {name: value for name, value in obj["metadata"].items() if name not in SERVER_OWNED}
        metadata["name"] = metadata.get("name") or self._generate(metadata.get("generateName", ""))
        metadata["uid"] = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        admission.check_namespace(self.store, kind, metadata.get("namespace", ""), metadata["name"])
        fresh = self._completed(kind, {**obj, "metadata": metadata})
        validate(kind, fresh)
        self.policies.check(Asked("CREATE", kind, user, new=fresh))
        if self.obeys_quota:
            admission.check_quota(self.store, kind, fresh)
        written = self._with_owners(kind, None, fresh, manager, "", obj)
        return self._pretend_create(kind, written) if dry_run else self.store.create(kind, written)

    def _generate(self, prefix: str) -> str:
        if not prefix:
            return ""
        suffix = "".join(self.rng.choices(SUFFIX_ALPHABET, k=5))
        return prefix[: NAME_LIMIT - len(suffix)] + suffix

    def _completed(self, kind: Resource, obj: Json) -> Json:
        """A new object with everything the server adds before its rules are checked."""
        if kind.has_status:
            obj.pop("status", None)
        full = defaults.apply_defaults(kind, obj)
        if kind is PODS:
            full = admission.with_priority(self.store, full)
            return {**full, "status": defaults.new_pod_status(full["spec"])}
        if kind.key == "services" and full["spec"].get("ports"):
            return defaults.allocate_service(full, self.store.list(kind))
        if kind.key == "jobs.batch" and full["spec"].get("template"):
            return defaults.job_identity(full)
        return full

    def _pretend_create(self, kind: Resource, obj: Json) -> Json:
        namespace, name = obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
        if self.store.find(kind, namespace, name) is not None:
            raise AlreadyExists(kind.plural, name, kind.group)
        now = timestamp(self.store.now())
        metadata = {**obj["metadata"], "uid": str(uuid.uuid4()), "creationTimestamp": now}
        if kind.generation:
            metadata["generation"] = 1
        return {"kind": kind.kind, "apiVersion": kind.api_version, **obj, "metadata": metadata}

    def update(
        self,
        kind: Resource,
        obj: Json,
        *,
        manager: str = "",
        subresource: str = "",
        dry_run: bool = False,
        patched: bool = False,
        door: str | None = None,
        user: User = ANONYMOUS,
    ) -> Json:
        """Replace an object; NotFound, Conflict, Invalid.

        `patched` says that the uid is a field (422 when changed), not a precondition (409). `door` is the
        subresource named in managedFields when it differs from the one written through (scale).
        """
        metadata = obj["metadata"]
        current = self.store.get(kind, metadata.get("namespace", ""), metadata["name"])
        self._check_version(kind, current, metadata, patched)
        full = self._kept(kind, current, obj, patched)
        merged = self.store.merged(kind, current, full, subresource)
        validate(
            kind, {**merged, "metadata": {**merged["metadata"], "uid": full["metadata"]["uid"]}}, current
        )
        if not subresource and door is None:
            self.policies.check(Asked("UPDATE", kind, user, new=merged, old=current))
        named = subresource if door is None else door
        written = self._with_owners(kind, current, merged, manager, named, obj)
        return (
            self._pretend_update(current, written)
            if dry_run
            else self.store.update(kind, written, subresource="all")
        )

    def _check_version(self, kind: Resource, current: Json, metadata: Json, patched: bool) -> None:
        here = current["metadata"]
        if not patched and metadata.get("uid") and metadata["uid"] != here["uid"]:
            found = f"UID in precondition: {metadata['uid']}, UID in object meta: {here['uid']}"
            why = f"Precondition failed: {found}"
            raise Conflict(kind.plural, here["name"], kind.group, why)
        if metadata.get("resourceVersion") and metadata["resourceVersion"] != here["resourceVersion"]:
            raise Conflict(kind.plural, here["name"], kind.group)

    def _kept(self, kind: Resource, current: Json, obj: Json, patched: bool) -> Json:
        """The new object with defaults, and with what only the server may say taken from the old one."""
        before = current["metadata"]
        metadata = {name: value for name, value in obj["metadata"].items() if name not in SERVER_OWNED}
        metadata.update({name: before[name] for name in SERVER_OWNED if name in before})
        if patched and obj["metadata"].get("uid"):
            metadata["uid"] = obj["metadata"]["uid"]
        if "managedFields" not in metadata and "managedFields" in before:
            metadata["managedFields"] = before["managedFields"]
        full = {**obj, "metadata": metadata}
        if kind.key == "services":
            full = {**full, "spec": _kept_addresses(full.get("spec") or {}, current["spec"])}
        full = defaults.apply_defaults(kind, full)
        if kind.key == "services" and full["spec"].get("ports"):
            others = [item for item in self.store.list(kind) if item["metadata"]["uid"] != before["uid"]]
            full = defaults.allocate_service(full, others)
        return full

    def _pretend_update(self, current: Json, written: Json) -> Json:
        if written == current:
            return current
        return {
            **written,
            "metadata": {**written["metadata"], "resourceVersion": current["metadata"]["resourceVersion"]},
        }

    def apply(
        self,
        kind: Resource,
        patch: Json,
        *,
        manager: str,
        force: bool = False,
        dry_run: bool = False,
        subresource: str = "",
        user: User = ANONYMOUS,
    ) -> tuple[Json, bool]:
        """Server-side apply; the object and whether it is new. 409 names every conflicting field."""
        metadata = patch["metadata"]
        current = self.store.find(kind, metadata.get("namespace", ""), metadata["name"])
        if current is not None:
            self._check_version(kind, current, metadata, patched=False)
        writer = self._writer(kind, manager, subresource, "Apply")
        node = schema_of(kind)
        merged = managed.apply(node, current, _without_server_fields(patch), writer, force=force)
        clean = Decoder("applied").object(node, merged)
        if current is None:
            return self.create(kind, clean, dry_run=dry_run, user=user), True
        written = self.update(kind, clean, subresource=subresource, dry_run=dry_run, patched=True, user=user)
        return written, False

    def delete(
        self,
        kind: Resource,
        namespace: str,
        name: str,
        *,
        uid: str = "",
        resource_version: str = "",
        grace: int | None = None,
        propagation: str = "",
        dry_run: bool = False,
        user: User = ANONYMOUS,
    ) -> Deleted:
        """As the API does: grace for pods, finalizers for foreground and orphan; NotFound, Conflict."""
        options = Options(uid, resource_version, grace, propagation, dry_run)
        return self.delete_with(kind, namespace, name, options, user=user)

    def delete_with(
        self, kind: Resource, namespace: str, name: str, options: Options, *, user: User = ANONYMOUS
    ) -> Deleted:
        self.policies.check(Asked("DELETE", kind, user, old=self.store.get(kind, namespace, name)))
        return delete(self.store, kind, namespace, name, options)

    def _writer(self, kind: Resource, manager: str, subresource: str, operation: str = "Update") -> Writer:
        return Writer(manager, kind.api_version, timestamp(self.store.now()), subresource, operation)

    def _with_owners(
        self, kind: Resource, old: Json | None, new: Json, manager: str, subresource: str, sent: Json
    ) -> Json:
        """`new` with managedFields: as sent by a client that edits them, else by what this write changed."""
        metadata = dict(new["metadata"])
        before = (old or {}).get("metadata", {}).get("managedFields")
        given = sent["metadata"].get("managedFields")
        base = managed.read(sent) if given is not None and given != before else None
        if manager:
            writer = self._writer(kind, manager, subresource)
            metadata["managedFields"] = managed.after_update(schema_of(kind), old, new, writer, base)
        elif base is not None:
            metadata["managedFields"] = managed.write(base)
        if not metadata.get("managedFields"):
            metadata.pop("managedFields", None)
        return {**new, "metadata": metadata}


def _kept_addresses(spec: Json, before: Json) -> Json:
    """A Service keeps its address and node ports when an update leaves them out."""
    kept = dict(spec)
    if kept.get("type", before.get("type")) != "ExternalName":
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if name in before and not kept.get(name):
                kept[name] = before[name]
    numbers = {port.get("port"): port["nodePort"] for port in before.get("ports", ()) if port.get("nodePort")}
    if numbers and kept.get("type", before.get("type")) != "ClusterIP":
        kept["ports"] = [
            {"nodePort": numbers[port["port"]], **port} if port.get("port") in numbers else port
            for port in kept.get("ports", ())
        ]
    return kept


def _without_server_fields(patch: Json) -> Json:
    if patch["metadata"].get("managedFields"):
        raise BadRequest("metadata.managedFields must be nil")
    metadata = {name: value for name, value in patch["metadata"].items() if name not in SERVER_OWNED}
    metadata.pop("managedFields", None)
    return {**patch, "metadata": metadata}
