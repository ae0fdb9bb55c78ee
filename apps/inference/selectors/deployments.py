"""Deployments: what the mirror says of them, joined with who deployed them and which Service leads there."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import Http404
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.clusters import selectors as clusters
from apps.clusters.models import Cluster
from apps.gateways import labels
from apps.inference.models import ModelDeployment
from apps.inference.selectors.services import ServiceRow, all_services
from apps.inference.statuses import Health, Kind, health_of
from apps.inference.targets import DeploymentTarget
from apps.live import mirror, paging
from apps.live.paging import Page
from apps.live.rows import Row
from apps.live.stored import rows

SORTS: dict[str, str | None] = {"name": None, "namespace": None, "created_at": None, "ready": "ready"}


@dataclass(frozen=True)
class DeploymentRow:
    """A mirrored Deployment as lists show it; `service` is the first Service that selects its pods."""

    id: int
    version: tuple[int, int]
    namespace: str
    name: str
    uid: str
    kind: Kind
    engine: str
    model_id: str
    replicas: int
    ready: int
    health: Health
    gpus: int
    port: int
    image: str
    labels: dict[str, str]
    created_at: datetime | None
    service: ServiceRow | None
    created_by: str = ""
    operation_id: int | None = None


def deployment_page(
    cluster_id: int, *, q: str = "", kind: str = "", sort: str = "", page: int = 1
) -> Page[DeploymentRow]:
    """One page of the cluster's deployments; `kind` keeps one type."""
    objects = paging.matching(mirror.objects(cluster_id, "deployments"), q, "data__model_id", "data__image")
    found, number, total = paging.cut(paging.ordered(of_kind(objects, kind), sort, SORTS), page)
    return Page(joined(cluster_id, rows(found)), number, total, {"q": q, "kind": kind, "sort": sort})


def of_kind(objects: paging.Objects, kind: str) -> paging.Objects:
    """Only pools, only standard deployments, only others, or all; as `kind_of` decides."""
    pool = Q(labels__contains={labels.DEPLOYMENT_TYPE: Kind.POOL.value})
    standard = Q(labels__contains={labels.DEPLOYMENT_TYPE: Kind.STANDARD.value})
    standard |= Q(labels__has_key=labels.MODEL_TYPE)
    match kind:
        case Kind.POOL:
            return objects.filter(pool)
        case Kind.STANDARD:
            return objects.filter(standard).exclude(pool)
        case Kind.OTHER:
            return objects.exclude(standard | pool)
    return objects


def deployments(cluster_id: int, *, namespace: str = "") -> list[DeploymentRow]:
    """All of the cluster, or of one namespace: for the API."""
    objects = mirror.objects(cluster_id, "deployments")
    return joined(cluster_id, rows(objects.filter(namespace=namespace) if namespace else objects))


def deployment_row(cluster_id: int, namespace: str, name: str) -> DeploymentRow | None:
    """One deployment of the mirror."""
    found = rows(mirror.objects(cluster_id, "deployments").filter(namespace=namespace, name=name))
    return joined(cluster_id, found)[0] if found else None


def joined(cluster_id: int, found: Sequence[Row]) -> list[DeploymentRow]:
    """Mirrored rows with their Services and records."""
    services = all_services(cluster_id, {row.namespace for row in found})
    records = {
        (record.namespace, record.name): record
        for record in ModelDeployment.objects.filter(
            cluster_id=cluster_id, removed_at=None, name__in=[row.name for row in found]
        )
    }
    return [described(row, services, records.get((row.namespace, row.name))) for row in found]


def described(row: Row, services: Iterable[ServiceRow], record: ModelDeployment | None) -> DeploymentRow:
    """A mirrored Deployment as our value."""
    data = row.data
    service = next((item for item in services if item.selects(row.namespace, data["template_labels"])), None)
    return DeploymentRow(
        id=row.id,
        version=(row.version, service.version if service else 0),
        namespace=row.namespace,
        name=row.name,
        uid=row.uid,
        kind=kind_of(row.labels),
        engine=row.labels.get(labels.MODEL_TYPE, ""),
        model_id=data["model_id"],
        replicas=data["replicas"],
        ready=data["ready"],
        health=health_of(wanted=data["replicas"], ready=data["ready"], deleting=data["deleting"]),
        gpus=data["gpus"],
        port=data["port"],
        image=data["image"],
        labels=row.labels,
        created_at=row.created_at,
        service=service,
        created_by=record.created_by if record else "",
        operation_id=record.operation_id if record else None,
    )


def kind_of(own: dict[str, str]) -> Kind:
    """The type that the labels say; what has no engine is no model of anybody and is `other`."""
    value = own.get(labels.DEPLOYMENT_TYPE, "")
    if value in Kind.values:
        return Kind(value)
    return Kind.STANDARD if labels.MODEL_TYPE in own else Kind.OTHER


def waiting(cluster_id: int) -> list[ModelDeployment]:
    """Records whose Deployment the mirror has not seen yet: just asked for, or never come."""
    records = ModelDeployment.objects.filter(cluster_id=cluster_id, removed_at=None)
    seen = set(mirror.objects(cluster_id, "deployments").values_list("namespace", "name"))
    return [record for record in records if (record.namespace, record.name) not in seen]


def target(user: User, slug: str, namespace: str, name: str) -> DeploymentTarget:
    """The deployment to act on. Raises Http404 when neither mirror nor records know it."""
    cluster = clusters.cluster(user, slug)
    row = deployment_row(cluster.pk, namespace, name)
    record = record_of(cluster, namespace, name)
    if row is None and record is None:
        raise Http404(
            _("There is no deployment “%(name)s” in %(place)s.")
            % {"name": name[:80], "place": namespace[:80]}
        )
    return DeploymentTarget(
        cluster_id=cluster.pk,
        cluster=cluster.slug,
        namespace=namespace,
        name=name,
        kind=strictest(row, record),
        uid=row.uid if row else "",
        replicas=row.replicas if row else 0,
    )


def strictest(row: DeploymentRow | None, record: ModelDeployment | None) -> Kind:
    """A pool by label or by record is a pool: a label that somebody removed does not open the gate."""
    kinds = {Kind(record.kind) if record else Kind.OTHER, row.kind if row else Kind.OTHER}
    return next(kind for kind in (Kind.POOL, Kind.STANDARD, Kind.OTHER) if kind in kinds)


def record_of(cluster: Cluster, namespace: str, name: str) -> ModelDeployment | None:
    """Who deployed what is called so now."""
    found = ModelDeployment.objects.filter(cluster=cluster, namespace=namespace, name=name, removed_at=None)
    return found.first()


@dataclass(frozen=True)
class Going:
    """What a removal takes along. `lent` counts pods by business."""

    pods: tuple[str, ...]
    services: tuple[str, ...]
    secret: bool
    lent: dict[str, int]


def what_goes(cluster: Cluster, target: DeploymentTarget) -> Going:
    """The pods, Services and Secret that are removed with a deployment."""
    own = {labels.APP: target.name}
    here = {"namespace": target.namespace, "labels__contains": own}
    pods = list(mirror.objects(cluster.pk, "pods").filter(**here).values_list("name", "data__business"))
    made = own | {labels.SERVICE_TYPE: labels.MODEL_SERVICE}
    services = mirror.objects(cluster.pk, "services").filter(
        namespace=target.namespace, labels__contains=made
    )
    record = record_of(cluster, target.namespace, target.name)
    return Going(
        pods=tuple(name for name, _business in pods),
        services=tuple(services.values_list("name", flat=True)),
        secret=bool(record and record.secret_name),
        lent=dict(Counter(business for _name, business in pods if business not in ("", labels.UNASSIGNED))),
    )


def conditions(row: Row) -> list[dict[str, Any]]:
    """The Deployment's own conditions, as the cluster says them."""
    return list(row.data["conditions"])
