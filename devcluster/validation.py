"""The rules an object must keep (422 with causes): its metadata here, each kind's own in rules.py."""

from __future__ import annotations

from typing import Any

from devcluster.causes import (
    BAD_1035,
    BAD_LABEL,
    BAD_SUBDOMAIN,
    DNS_1035,
    DNS_LABEL,
    IMMUTABLE,
    SUBDOMAIN,
    Causes,
    invalid,
    labels,
    matched,
    qualified,
    required,
)
from devcluster.errors import Cause, Invalid
from devcluster.resources import Resource
from devcluster.rules import RULES

Json = dict[str, Any]

ANNOTATIONS_LIMIT = 256 * 1024


def validate(resource: Resource, obj: Json, old: Json | None = None) -> None:
    """Raise Invalid with every broken rule; `old` is the object before an update."""
    causes = list(_metadata(resource, obj, old))
    rule = RULES.get(resource.key)
    if rule is not None and _spec_is_new(obj, old):
        causes += rule(obj, old)
    if causes:
        raise Invalid(resource.kind, obj["metadata"].get("name", ""), causes, resource.group)


def _spec_is_new(obj: Json, old: Json | None) -> bool:
    if old is None:
        return True
    return any(
        obj.get(name) != old.get(name)
        for name in obj.keys() | old.keys()
        if name not in ("metadata", "status")
    )


def _metadata(resource: Resource, obj: Json, old: Json | None) -> Causes:
    metadata = obj["metadata"]
    name = metadata.get("name")
    if not name:
        yield required("metadata.name", "name or generateName is required")
    elif old is None:
        yield from _name(resource, str(name))
    for field in ("name", "namespace", "uid", "creationTimestamp"):
        if old is not None and metadata.get(field) and metadata[field] != old["metadata"].get(field):
            yield invalid(f"metadata.{field}", metadata[field], IMMUTABLE)
    yield from labels(metadata.get("labels") or {}, "metadata.labels")
    yield from _annotations(metadata.get("annotations") or {})


def _name(resource: Resource, name: str) -> Causes:
    if resource.group == "rbac.authorization.k8s.io":
        if name in (".", "..") or "/" in name or "%" in name:
            yield invalid("metadata.name", name, "may not contain '/' or '%'")
    elif resource.plural == "services":
        yield from matched("metadata.name", name, DNS_1035, 63, BAD_1035)
    elif resource.plural == "namespaces":
        yield from matched("metadata.name", name, DNS_LABEL, 63, BAD_LABEL)
    else:
        yield from matched("metadata.name", name, SUBDOMAIN, 253, BAD_SUBDOMAIN)


def _annotations(values: dict[str, str]) -> Causes:
    for key in values:
        yield from qualified("metadata.annotations", key.lower())
    if sum(len(key) + len(value) for key, value in values.items()) > ANNOTATIONS_LIMIT:
        yield Cause(
            "FieldValueTooLong",
            f"Too long: may not be more than {ANNOTATIONS_LIMIT} bytes",
            "metadata.annotations",
        )
