"""What pools adds to inference's tables: a business selector for pods, the split of a pool's pods."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count
from django.db.models.fields.json import KeyTextTransform
from django.utils.translation import gettext_lazy as _

from apps.gateways import labels
from apps.inference.columns import DeploymentColumn, PodColumn, register, register_deployment
from apps.inference.selectors.deployments import DeploymentRow
from apps.inference.selectors.pods import PodRow
from apps.inference.statuses import Kind
from apps.live import mirror, topics
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


@dataclass(frozen=True)
class Split:
    """How a pool's pods are shared: (business, number of pods), the free ones last."""

    namespace: str
    pool: str
    shares: tuple[tuple[str, int], ...]


def load_splits(cluster_id: int, deployments: Sequence[DeploymentRow]) -> dict[int, Split]:
    """The split of each pool of the page, in one query; pods that are leaving count no more."""
    mine = [row for row in deployments if row.kind is Kind.POOL]
    shares: defaultdict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for namespace, pool, business, pods in counted_pods(cluster_id, [row.name for row in mine]):
        shares[namespace, pool].append((business, pods))
    return {row.id: Split(row.namespace, row.name, ordered(shares[row.namespace, row.name])) for row in mine}


def counted_pods(cluster_id: int, pools: list[str]) -> Iterable[tuple[str, str, str, int]]:
    """(namespace, pool, business, pods) of these pools."""
    pods = mirror.objects(cluster_id, "pods").filter(
        labels__contains=selectors.IS_POOL, labels__model__in=pools, data__deleting=""
    )
    pool, business = KeyTextTransform(labels.MODEL, "labels"), KeyTextTransform("business", "data")
    found = pods.order_by().annotate(pool=pool, business=business)
    return found.values_list("namespace", "pool", "business").annotate(pods=Count("pk"))


def ordered(shares: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Businesses by name, then what nobody uses."""
    return tuple(sorted(shares, key=lambda share: (labels.is_reserved(share[0]), share[0])))


def followed_pods(cluster_id: int) -> Sequence[str]:
    """Pods change hands."""
    return (topics.kind(cluster_id, "pods"),)


ASSIGNMENT = register_deployment(
    DeploymentColumn(
        "assignment",
        title=_("Assignment"),
        template="pools/assignment_cell.html",
        load=load_splits,
        topics=followed_pods,
    )
)
