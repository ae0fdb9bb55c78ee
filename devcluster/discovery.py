"""What a client learns first: versions, groups and the resources of each group version."""

from __future__ import annotations

from typing import Any

from devcluster.resources import REGISTRY, Resource, group_versions

Json = dict[str, Any]

VERSION: Json = {
    "major": "1",
    "minor": "33",
    "gitVersion": "v1.33.1-devcluster",
    "gitCommit": "0000000000000000000000000000000000000000",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "go1.24.2",
    "compiler": "gc",
    "platform": "linux/amd64",
}
SUBRESOURCE_VERBS = {
    "binding": ["create"],
    "eviction": ["create"],
    "finalize": ["update"],
    "log": ["get"],
    "proxy": ["create", "delete", "get", "patch", "update"],
    "scale": ["get", "patch", "update"],
    "status": ["get", "patch", "update"],
}
FOREIGN_KINDS: dict[str, Json] = {
    "scale": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
    "eviction": {"group": "policy", "version": "v1", "kind": "Eviction"},
    "binding": {"kind": "Binding"},
}
PROXY_KINDS = {"pods": "PodProxyOptions", "services": "ServiceProxyOptions"}


def legacy_versions(address: str) -> Json:
    """GET /api."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def group_list() -> Json:
    """GET /apis."""
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(name) for name in group_versions() if name],
    }


def group(name: str) -> Json | None:
    """GET /apis/<group>; None for a group that is not served."""
    return (
        {"kind": "APIGroup", "apiVersion": "v1", **_group(name)}
        if name in group_versions() and name
        else None
    )


def _group(name: str) -> Json:
    versions = [
        {"groupVersion": f"{name}/{version}", "version": version} for version in group_versions()[name]
    ]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def resource_list(group_name: str, version: str) -> Json | None:
    """GET /api/v1 or /apis/<group>/<version>; None when not served."""
    served = [item for item in REGISTRY if (item.group, item.version) == (group_name, version)]
    if not served:
        return None
    head: Json = {"kind": "APIResourceList"}
    if group_name:
        head["apiVersion"] = "v1"
    entries = [entry for item in sorted(served, key=lambda item: item.plural) for entry in _entries(item)]
    return {**head, "groupVersion": served[0].api_version, "resources": entries}


def _entries(item: Resource) -> list[Json]:
    entry: Json = {
        "name": item.plural,
        "singularName": item.singular,
        "namespaced": item.namespaced,
        "kind": item.kind,
        "verbs": list(item.verbs),
    }
    if item.short_names:
        entry["shortNames"] = list(item.short_names)
    if item.categories:
        entry["categories"] = list(item.categories)
    return [entry, *(_subresource(item, name) for name in item.subresources)]


def _subresource(item: Resource, name: str) -> Json:
    kind = PROXY_KINDS.get(item.plural, item.kind) if name == "proxy" else item.kind
    head = {"name": f"{item.plural}/{name}", "singularName": "", "namespaced": item.namespaced}
    return {**head, "kind": kind, **FOREIGN_KINDS.get(name, {}), "verbs": SUBRESOURCE_VERBS[name]}
