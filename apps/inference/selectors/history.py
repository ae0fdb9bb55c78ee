"""Who deployed what, also of what is long gone, and the form that deploys it again."""

from typing import Any

from django.db.models import Q
from django.http import Http404
from django.utils.translation import gettext as _

from apps.clusters.models import Cluster
from apps.inference.models import ModelDeployment
from apps.inference.statuses import Kind
from apps.live import paging
from apps.live.paging import Page

SORTS = ("name", "kind", "model_id", "created_by", "created_at", "removed_at")


def record_page(cluster_id: int, *, q: str = "", sort: str = "", page: int = 1) -> Page[ModelDeployment]:
    """One page of the cluster's records, newest first unless sorted; `q` is looked for in name, model and
    person.
    """
    records = ModelDeployment.objects.filter(cluster_id=cluster_id)
    if q:
        records = records.filter(Q(name__icontains=q) | Q(model_id__icontains=q) | Q(created_by__icontains=q))
    if (column := sort.removeprefix("-")) in SORTS:
        records = records.order_by(paging.by(column, sort), "-pk")
    found, number, total = paging.cut(records, page)
    return Page(list(found), number, total, {"q": q, "sort": sort})


def record(cluster: Cluster, pk: int) -> ModelDeployment:
    """One record of the cluster. Raises Http404."""
    found = ModelDeployment.objects.filter(cluster=cluster, pk=pk).first()
    if found is None:
        raise Http404(_("There is no such record."))
    return found


def wishes(record: ModelDeployment) -> dict[str, Any]:
    """What the deploy form begins with to deploy it again: everything but its name and its token."""
    return {
        "command": record.command,
        "engine": "" if record.engine == "custom" else record.engine,
        "model_id": record.model_id,
        "replicas": record.replicas,
        "gpus": record.gpus,
        "as_pool": record.kind == Kind.POOL,
        "access": record.access if record.kind != Kind.POOL else "cluster",
        "namespace": record.namespace,
        "image": record.image,
    }
