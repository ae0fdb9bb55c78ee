"""Pods: their state in kubectl's words, where they run, and columns that other apps add."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db.models import F, Q
from django.db.models.fields.json import KeyTextTransform

from apps.gateways import labels
from apps.live import mirror, paging
from apps.live.paging import Page
from apps.live.rows import Row
from apps.live.stored import rows

SORTS: dict[str, str | None] = {
    "name": None,
    "namespace": None,
    "created_at": None,
    "state": "state",
    "node": "node",
    "business": "business",
    "restarts": "restarts",
}
FILTERS = {
    "app": "labels__contains",
    "namespace": "namespace",
    "node": "data__node",
    "state": "data__state",
    "business": "data__business",
}
CHOICES = {
    "namespace": "namespace",
    "state": "data__state",
    "node": "data__node",
    "business": "data__business",
    "app": f"labels__{labels.APP}",
}
MOST_CHOICES = 200


@dataclass(frozen=True)
class PodRow:
    """A mirrored pod. `pool` is the pool it belongs to, "" for pods that are never lent."""

    id: int
    version: int
    namespace: str
    name: str
    uid: str
    state: str
    message: str
    ready: bool
    ready_containers: int
    containers: int
    restarts: int
    node: str
    gpus: int
    ip: str
    port: int
    business: str
    pool: str
    engine: str
    labels: dict[str, str]
    created_at: datetime | None
    deleting: bool

    @property
    def colour(self) -> str:
        """A Tabler colour name for the state."""
        if self.deleting or self.state in ("Succeeded", "Completed"):
            return "secondary"
        if self.ready:
            return "green"
        return (
            "blue" if self.state in ("Pending", "Running", "ContainerCreating", "PodInitializing") else "red"
        )


def pod_page(cluster_id: int, *, q: str = "", sort: str = "", page: int = 1, **wanted: str) -> Page[PodRow]:
    """One page of the cluster's pods; `wanted` are FILTERS, "" for any."""
    objects = mirror.objects(cluster_id, "pods")
    for name, value in wanted.items():
        if value:
            objects = objects.filter(**{FILTERS[name]: {labels.APP: value} if name == "app" else value})
    objects = paging.matching(objects, q, "data__node", "data__state", "data__business")
    found, number, total = paging.cut(paging.ordered(objects, sort, SORTS), page)
    asked = {"q": q, **wanted, "sort": sort}
    return Page([described(row) for row in rows(found)], number, total, asked)


def choices(cluster_id: int) -> dict[str, list[str]]:
    """What each filter can be set to, as the mirror has it now."""
    state = mirror.sync_state(cluster_id, "pods")
    return _choices(cluster_id, state.resource_version, state.synced_at)


@lru_cache(maxsize=64)
def _choices(cluster_id: int, _version: int, _synced_at: datetime | None) -> dict[str, list[str]]:
    """Kept until the mirror moves on: it reads every pod and costs more than the rest of the page."""
    objects = mirror.objects(cluster_id, "pods").order_by()
    return {name: distinct(objects, path) for name, path in CHOICES.items()}


def distinct(objects: paging.Objects, path: str) -> list[str]:
    """The values of one field or of one key of `data` or `labels`, at most MOST_CHOICES, without none."""
    field, _dot, key = path.partition("__")
    value = KeyTextTransform(key, field) if key else F(field)
    found = (
        objects.annotate(value=value).exclude(value=None).exclude(value="").values_list("value", flat=True)
    )
    return [str(item) for item in found.distinct().order_by("value")[:MOST_CHOICES]]


def pods(cluster_id: int, *, namespace: str = "") -> list[PodRow]:
    """All of the cluster, or of one namespace: for the API."""
    objects = mirror.objects(cluster_id, "pods")
    return [described(row) for row in rows(objects.filter(namespace=namespace) if namespace else objects)]


def troubled(cluster_id: int) -> int:
    """How many pods are neither ready nor ended nor leaving."""
    unready = Q(data__ready=False) & Q(data__deleting="") & ~Q(data__phase__in=["Succeeded", "Failed"])
    return mirror.objects(cluster_id, "pods").filter(unready).count()


def described(row: Row) -> PodRow:
    """A mirrored pod as our value."""
    data = row.data
    is_pool = row.labels.get(labels.DEPLOYMENT_TYPE) == labels.MODEL_POOL
    return PodRow(
        id=row.id,
        version=row.version,
        namespace=row.namespace,
        name=row.name,
        uid=row.uid,
        state=data["state"],
        message=data["message"],
        ready=data["ready"],
        ready_containers=data["ready_containers"],
        containers=data["containers"],
        restarts=data["restarts"],
        node=data["node"],
        gpus=data["gpus"],
        ip=data["ip"],
        port=data["port"],
        business=data["business"],
        pool=row.labels.get(labels.MODEL, "") if is_pool else "",
        engine=row.labels.get(labels.MODEL_TYPE, ""),
        labels=row.labels,
        created_at=row.created_at,
        deleting=bool(data["deleting"]),
    )
