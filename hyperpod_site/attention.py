"""What needs attention first on a cluster: nodes that are not ready, deployments without their pods, and work
that failed within the last day and was not done again since.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.access import Access
from apps.clusters import gpus
from apps.clusters.models import Cluster
from apps.inference.selectors import deployments
from apps.inference.statuses import Health
from apps.operations import selectors as operations
from apps.operations.statuses import OperationStatus

CALM = {Health.READY, Health.STOPPED}
URGENCY = ("red", "orange", "yellow", "blue")
RECENT = timedelta(days=1)
MANY = 50  # failed operations that are looked at


@dataclass(frozen=True)
class Need:
    """One line: what it is, where it is explained, and how it does in a word with its colour."""

    dom_id: str
    name: str
    url: str
    word: str
    colour: str
    detail: str

    @property
    def order(self) -> tuple[int, str]:
        """Red first."""
        return (URGENCY.index(self.colour) if self.colour in URGENCY else len(URGENCY), self.name)


def needs(cluster: Cluster, access: Access) -> list[Need]:
    """Everything that somebody with this access should look at, most urgent first."""
    found = [*nodes(cluster), *unready(cluster), *failed(cluster, access)]
    return sorted(found, key=lambda need: need.order)


def nodes(cluster: Cluster) -> Iterator[Need]:
    """Nodes that the cluster calls not ready."""
    pods = reverse("inference:pod_list", kwargs={"cluster": cluster.slug})
    for node in gpus.node_gpus(cluster.pk):
        if not node.ready:
            link = f"{pods}?node={node.name}"
            yield Need(f"need-node-{node.name}", node.name, link, _("Not ready"), "red", node.ready_reason)


def unready(cluster: Cluster) -> Iterator[Need]:
    """Deployments that have fewer ready pods than they want."""
    for item in deployments.deployments(cluster.pk):
        if item.health in CALM:
            continue
        place = {"cluster": cluster.slug, "namespace": item.namespace, "name": item.name}
        pods = _("%(ready)s of %(wanted)s pods") % {"ready": item.ready, "wanted": item.replicas}
        yield Need(
            f"need-deployment-{item.namespace}-{item.name}",
            item.name,
            reverse("inference:deployment_detail", kwargs=place),
            str(item.health.label),
            item.health.colour,
            pods,
        )


def failed(cluster: Cluster, access: Access) -> Iterator[Need]:
    """Operations that failed or were lost lately, unless their target has a newer one."""
    same = {"target_kind": OuterRef("target_kind"), "target_name": OuterRef("target_name")}
    rows = operations.within(access).filter(target_cluster=cluster.slug)
    newer = rows.filter(pk__gt=OuterRef("pk"), target_namespace=OuterRef("target_namespace"), **same)
    ended = {OperationStatus.FAILED, OperationStatus.LOST}
    recent = rows.filter(status__in=ended, ended_at__gt=Now() - RECENT)
    for row in recent.exclude(Exists(newer)).order_by("-pk")[:MANY]:
        status = OperationStatus(row.status)
        link = reverse("operations:detail", kwargs={"pk": row.pk})
        title = f"{row.title} {row.target_name}"
        yield Need(f"need-operation-{row.pk}", title, link, str(status.label), "red", row.actor_name)
