"""Table answers: what `kubectl get` prints, made on the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from devcluster import columns
from devcluster.resources import Resource
from devcluster.schema import META, definitions

Json = dict[str, Any]
Cells = Callable[[Json, float], list[Any]]


@dataclass(frozen=True)
class Column:
    """One column; `priority` 1 shows with -o wide only."""

    name: str
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0

    def to_json(self) -> Json:
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


def _text(field: str) -> str:
    found: str = definitions()[f"{META}.ObjectMeta"]["properties"][field]["description"]
    return found


def _column(text: str) -> Column:
    """`Name`, `Name:integer` or `Name*` (wide only)."""
    name, _, kind = text.rstrip("*").partition(":")
    format_ = "name" if name == "Name" else ""
    described = {"Name": "name", "Age": "creationTimestamp"}
    description = _text(described[name]) if name in described else ""
    return Column(name, kind or "string", format_, description, int(text.endswith("*")))


COLUMNS: dict[str, tuple[str, Cells]] = {
    "pods": ("Name,Ready,Status,Restarts,Age,IP*,Node*,Nominated Node*,Readiness Gates*", columns.pod),
    "deployments.apps": (
        "Name,Ready,Up-to-date,Available,Age,Containers*,Images*,Selector*",
        columns.deployment,
    ),
    "replicasets.apps": (
        "Name,Desired:integer,Current:integer,Ready:integer,Age,Containers*,Images*,Selector*",
        columns.replicaset,
    ),
    "statefulsets.apps": ("Name,Ready,Age,Containers*,Images*", columns.statefulset),
    "daemonsets.apps": (
        "Name,Desired:integer,Current:integer,Ready:integer,Up-to-date:integer,Available:integer,"
        "Node Selector,Age,Containers*,Images*,Selector*",
        columns.daemonset,
    ),
    "jobs.batch": ("Name,Status,Completions,Duration,Age,Containers*,Images*,Selector*", columns.job),
    "cronjobs.batch": (
        "Name,Schedule,Timezone,Suspend:boolean,Active:integer,Last Schedule,Age,Containers*,"
        "Images*,Selector*",
        columns.cronjob,
    ),
    "services": ("Name,Type,Cluster-IP,External-IP,Port(s),Age,Selector*", columns.service),
    "endpoints": ("Name,Endpoints,Age", columns.endpoints),
    "endpointslices.discovery.k8s.io": ("Name,AddressType,Ports,Endpoints,Age", columns.endpointslice),
    "nodes": (
        "Name,Status,Roles,Age,Version,Internal-IP*,External-IP*,OS-Image*,Kernel-Version*,Container-Runtime*",
        columns.node,
    ),
    "namespaces": ("Name,Status,Age", columns.namespace),
    "events": (
        "Last Seen,Type,Reason,Object,Subobject*,Source*,Message,First Seen*,Count*,Name*",
        columns.event,
    ),
    "configmaps": ("Name,Data,Age", columns.configmap),
    "secrets": ("Name,Type,Data,Age", columns.secret),
    "serviceaccounts": ("Name,Secrets,Age", columns.serviceaccount),
    "resourcequotas": ("Name,Request,Limit,Age", columns.quota),
    "poddisruptionbudgets.policy": (
        "Name,Min Available,Max Unavailable,Allowed Disruptions:integer,Age",
        columns.disruption_budget,
    ),
    "persistentvolumeclaims": (
        "Name,Status,Volume,Capacity,Access Modes,StorageClass,VolumeAttributesClass,Age,VolumeMode*",
        columns.claim,
    ),
    "priorityclasses.scheduling.k8s.io": (
        "Name,Value:integer,Global-Default:boolean,Age,PreemptionPolicy",
        columns.priority_class,
    ),
    "leases.coordination.k8s.io": ("Name,Holder,Age", columns.lease),
    "rolebindings.rbac.authorization.k8s.io": ("Name,Role,Age", columns.binding),
    "clusterrolebindings.rbac.authorization.k8s.io": ("Name,Role,Age", columns.binding),
}
CREATED = Column("Created At", "dateTime", "", "")


def definitions_of(kind: Resource) -> list[Json]:
    """The columnDefinitions of a resource; unknown types show name and creation time."""
    if kind.key not in COLUMNS:
        plain = "roles", "clusterroles"
        return [_column("Name").to_json(), CREATED.to_json()] if kind.plural in plain else _name_and_age()
    return [_column(text).to_json() for text in COLUMNS[kind.key][0].split(",")]


def _name_and_age() -> list[Json]:
    return [_column("Name").to_json(), _column("Age").to_json()]


def row(kind: Resource, obj: Json, now: float, shown: Json | None) -> Json:
    """One row; `shown` is the object beside the cells, None for includeObject=None."""
    if kind.key in COLUMNS:
        cells = COLUMNS[kind.key][1](obj, now)
    elif kind.plural in ("roles", "clusterroles"):
        cells = [obj["metadata"]["name"], obj["metadata"].get("creationTimestamp")]
    else:
        cells = [obj["metadata"]["name"], columns.age(obj["metadata"].get("creationTimestamp"), now)]
    return {"cells": cells} if shown is None else {"cells": cells, "object": shown}


def table(
    kind: Resource, metadata: Json, rows: Iterable[Json], *, heads: bool = True, version: str = "v1"
) -> Json:
    """The whole Table; a watch sends `heads` only in its first event."""
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": metadata,
        "columnDefinitions": definitions_of(kind) if heads else None,
        "rows": list(rows),
    }
