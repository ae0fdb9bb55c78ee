"""OpenAPI v3 of every group version, from the published schemas: what `kubectl apply` and `explain` read."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

import orjson

from devcluster.resources import REGISTRY, Resource, group_versions
from devcluster.schema import definition_name, definitions

Json = dict[str, Any]

WRITES = {"post": "post", "put": "put", "patch": "patch", "delete": "delete"}
PARAMETERS = ("dryRun", "fieldManager", "fieldValidation")
PATCHES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)


def index() -> Json:
    """GET /openapi/v3: the address of each group version's document."""
    paths = {}
    for group, versions in group_versions().items():
        for version in versions:
            path = f"apis/{group}/{version}" if group else f"api/{version}"
            digest = hashlib.sha256(document(group, version) or b"").hexdigest().upper()
            paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
    return {"paths": paths}


@functools.cache
def document(group: str, version: str) -> bytes | None:
    """One group version's document as JSON; None when it is not served."""
    served = [item for item in REGISTRY if (item.group, item.version) == (group, version)]
    if not served:
        return None
    paths = {path: operations for item in served for path, operations in _paths(item).items()}
    body = {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.33.1"},
        "paths": paths,
        "components": {"schemas": _schemas(served)},
    }
    return orjson.dumps(body)


def _paths(item: Resource) -> dict[str, Json]:
    collection = item.path("{namespace}" if item.namespaced else "")
    single = item.path("{namespace}" if item.namespaced else "", "{name}")
    return {
        collection: {"get": _operation(item, "list"), "post": _operation(item, "post")},
        single: {
            "get": _operation(item, "get"),
            **{method: _operation(item, action) for method, action in WRITES.items() if method != "post"},
        },
    }


def _operation(item: Resource, action: str) -> Json:
    gvk = {"group": item.group, "version": item.version, "kind": item.kind}
    operation: Json = {
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": gvk,
        "responses": {
            "200": {"description": "OK", "content": {"application/json": {"schema": _reference(item)}}}
        },
    }
    if action in WRITES.values():
        schema = {"type": "string", "uniqueItems": True}
        operation["parameters"] = [{"name": name, "in": "query", "schema": schema} for name in PARAMETERS]
    if action == "patch":
        operation["requestBody"] = {"content": {media: {"schema": {"type": "object"}} for media in PATCHES}}
    elif action in ("post", "put"):
        operation["requestBody"] = {"content": {"*/*": {"schema": _reference(item)}}}
    return operation


def _reference(item: Resource) -> Json:
    name = definition_name(item)
    return {"$ref": f"#/components/schemas/{name}"} if name in definitions() else {"type": "object"}


def _schemas(served: list[Resource]) -> Json:
    """Every definition that the served types reach."""
    found: Json = {}
    waiting = [definition_name(item) for item in served]
    while waiting:
        name = waiting.pop()
        if name in found or name not in definitions():
            continue
        found[name] = _converted(definitions()[name], waiting)
    for item in served:
        name = definition_name(item)
        if name in found:
            gvk = {"group": item.group, "version": item.version, "kind": item.kind}
            found[name]["x-kubernetes-group-version-kind"] = [gvk]
    return found


def _converted(schema: Any, waiting: list[str]) -> Any:
    """JSON schema as OpenAPI 3.0 writes it: one type each, references into components."""
    if isinstance(schema, list):
        return [_converted(item, waiting) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _converted_reference(schema, waiting)
    result = {
        key: _converted(value, waiting) for key, value in schema.items() if key not in ("enum", "$schema")
    }
    kinds = schema.get("type")
    if isinstance(kinds, list):
        result["type"] = kinds[0]
    return result


def _converted_reference(schema: Json, waiting: list[str]) -> Json:
    name = schema["$ref"].rsplit("/", 1)[1]
    waiting.append(name)
    rest = {key: value for key, value in schema.items() if key != "$ref"}
    return {**rest, "allOf": [{"$ref": f"#/components/schemas/{name}"}], "default": {}}
