"""The business column of inference's pods table: a selector for pods of pools, N/A for others."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from apps.gateways import labels
from apps.inference.columns import PodColumn, register
from apps.inference.selectors.pods import PodRow
from apps.live import topics
from apps.pools import selectors
from apps.pools.models import Holding


@dataclass(frozen=True)
class BusinessCell:
    """What the cell of a pool's pod shows. `moved`: a person's change through the portal gave it its
    business.
    """

    namespace: str
    pool: str
    options: tuple[str, ...]
    moved: bool


def load(cluster_id: int, pods: Sequence[PodRow]) -> dict[int, BusinessCell]:
    """One cell per pod of a pool, in three queries."""
    mine = [pod for pod in pods if pod.pool]
    if not mine:
        return {}
    tags: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for service in selectors.business_services(cluster_id):
        tags[service.namespace, service.pool].add(service.business)
    held = Holding.objects.filter(
        pool__cluster_id=cluster_id, pod_uid__in=[pod.uid for pod in mine], to_at=None
    )
    by_portal = set(held.exclude(intent=None).values_list("pod_uid", flat=True))
    return {pod.id: cell(pod, tags[pod.namespace, pod.pool], pod.uid in by_portal) for pod in mine}


def cell(pod: PodRow, tags: set[str], moved: bool) -> BusinessCell:
    """A pod's cell: it may go to its pool's businesses or back to the free stock."""
    options = (labels.UNASSIGNED, *sorted(tags - {labels.UNASSIGNED}))
    return BusinessCell(namespace=pod.namespace, pool=pod.pool, options=options, moved=moved)


def followed(cluster_id: int) -> Sequence[str]:
    """Services decide on the options."""
    return (topics.kind(cluster_id, "services"),)


BUSINESS = register(
    PodColumn(
        "business", title=_("Business"), template="pools/business_cell.html", load=load, topics=followed
    )
)
