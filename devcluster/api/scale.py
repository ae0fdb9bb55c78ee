"""The scale subresource: a Scale object that stands for a workload's replicas."""

from __future__ import annotations

from typing import Any

from devcluster.api.reads import send_object
from devcluster.api.request import Request
from devcluster.api.writes import check_options, patch_body, patched_object, read_body, typed
from devcluster.causes import NOT_NEGATIVE, invalid
from devcluster.errors import Invalid, NotFound
from devcluster.registry import Registry
from devcluster.resources import Resource
from devcluster.schema import node
from devcluster.selectors import selector_text

Json = dict[str, Any]

SCALE = Resource("autoscaling", "v1", "Scale", "scales", True)


def scale_of(obj: Json) -> Json:
    """The Scale of a Deployment, ReplicaSet or StatefulSet."""
    metadata = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: Json = {"replicas": (obj.get("status") or {}).get("replicas", 0)}
    if selector := selector_text(obj["spec"].get("selector")):
        status["selector"] = selector
    replicas = obj["spec"].get("replicas", 0)
    return {
        "kind": "Scale",
        "apiVersion": SCALE.api_version,
        "metadata": {name: metadata[name] for name in kept},
        "spec": {"replicas": replicas} if replicas else {},  # upstream leaves zero out here
        "status": status,
    }


async def handle(request: Request, registry: Registry, kind: Resource) -> None:
    """GET, PUT or PATCH of /scale."""
    if request.verb == "get":
        await send_object(request, registry.store, SCALE, scale_of(_parent(request, registry, kind)))
        return
    check_options(request, "UpdateOptions" if request.verb == "update" else "PatchOptions")
    body = await (read_body(request, SCALE) if request.verb == "update" else patch_body(request))
    # From here to the write nothing waits: a `test` on the replicas is made on what is then replaced.
    parent = _parent(request, registry, kind)
    wanted = body if request.verb == "update" else _patched(request, parent, body)
    changed = _scaled(parent, wanted)
    stored = registry.update(kind, changed, manager=request.manager, dry_run=request.dry_run, door="scale")
    await send_object(request, registry.store, SCALE, scale_of(stored))


def _parent(request: Request, registry: Registry, kind: Resource) -> Json:
    found = registry.store.find(kind, request.namespace, request.name)
    if found is None:
        raise NotFound(f"{kind.plural}/scale", request.name, kind.group)
    return found


def _patched(request: Request, parent: Json, body: Any) -> Json:
    """The Scale as the client wants it."""
    shape = node("io.k8s.api.autoscaling.v1.Scale")
    return typed(request, SCALE, shape, patched_object(request.media_type, shape, scale_of(parent), body))


def _scaled(parent: Json, wanted: Json) -> Json:
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    if replicas < 0:
        cause = invalid("spec.replicas", replicas, NOT_NEGATIVE)
        raise Invalid("Scale", parent["metadata"]["name"], [cause], "autoscaling")
    metadata = dict(parent["metadata"])
    if version := wanted["metadata"].get("resourceVersion"):
        metadata["resourceVersion"] = version
    return {**parent, "metadata": metadata, "spec": {**parent["spec"], "replicas": replicas}}
