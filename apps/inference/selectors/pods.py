"""Pods: their state in kubectl's words, where they run, and columns that other apps add."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from apps.gateways import labels
from apps.inference.selectors import paging
from apps.inference.selectors.paging import Page
from apps.live import mirror
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


def pod_page(
    cluster_id: int, *, q: str = "", app: str = "", namespace: str = "", sort: str = "", page: int = 1
) -> Page[PodRow]:
    """One page of the cluster's pods; `app` keeps those of one deployment."""
    objects = mirror.objects(cluster_id, "pods")
    if namespace:
        objects = objects.filter(namespace=namespace)
    if app:
        objects = objects.filter(labels__contains={labels.APP: app})
    objects = paging.matching(objects, q, "data__node", "data__state", "data__business")
    found, number, total = paging.cut(paging.ordered(objects, sort, SORTS), page)
    asked = {"q": q, "app": app, "namespace": namespace, "sort": sort}
    return Page([described(row) for row in rows(found)], number, total, asked)


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
