"""One look at a pool, asked of the cluster, with everything that the reconciler's plans rest on."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from django.utils import timezone

from apps.gateways import labels
from apps.gateways.kubernetes import Kubernetes
from apps.pools.live_view import PodFacts, businesses_of
from apps.pools.models import Intent, PoolRecord
from apps.pools.scaling.state import PoolState, read
from apps.pools.statuses import IntentState


@dataclass(frozen=True)
class Sight:
    """A pool at one moment. `moves` is its count of decisions before the look. `listed` maps a business to
    the uids of pods that all of its services list as ready. `closed`: nodes that take no new work.
    `pending`: uids of pods about which a decision is open.
    """

    state: PoolState
    businesses: Mapping[str, tuple[str, ...]]
    listed: Mapping[str, frozenset[str]]
    closed: frozenset[str] = frozenset()
    pending: frozenset[str] = frozenset()
    moves: int = 0
    now: datetime = field(default_factory=timezone.now)

    @cached_property
    def old(self) -> tuple[PodFacts, ...]:
        """Pods of earlier versions that still run."""
        earlier = {item["metadata"]["uid"] for item in self.state.sets[:-1]}
        return tuple(pod for pod in self.state.pods if pod.alive and pod.owner_uid in earlier)

    def serving(self, business: str) -> list[PodFacts]:
        """Live and Ready pods of a business."""
        return [pod for pod in self.state.live if pod.business == business and pod.ready]


def look(kubernetes: Kubernetes, record: PoolRecord) -> Sight:
    """Ask the cluster. Raises UnknownPool, GatewayError."""
    moves = PoolRecord.objects.values_list("moves", flat=True).get(pk=record.pk)
    place = {"namespace": record.namespace}
    state = read(kubernetes, name=record.name, **place)
    businesses = businesses_of(kubernetes, pool=record.name, **place)
    pending = Intent.objects.filter(pool=record, state=IntentState.OPEN).values_list("pod_uid", flat=True)
    return Sight(
        state=state,
        businesses=businesses,
        listed=listed_pods(kubernetes, record.namespace, businesses),
        closed=closed_nodes(kubernetes),
        pending=frozenset(pending),
        moves=moves,
    )


def listed_pods(
    kubernetes: Kubernetes, namespace: str, businesses: Mapping[str, tuple[str, ...]]
) -> dict[str, frozenset[str]]:
    """Business -> the pods that the endpoints of each of its services list as ready."""
    selector = labels.selector({labels.SERVICE_TYPE: labels.BUSINESS_SERVICE})
    found: defaultdict[str, set[str]] = defaultdict(set)
    for item in kubernetes.list("endpointslices", namespace=namespace, label_selector=selector):
        service = (item["metadata"].get("labels") or {}).get(labels.SERVICE_NAME, "")
        for endpoint in item.get("endpoints") or []:
            if (endpoint.get("conditions") or {}).get("ready"):
                found[service].add((endpoint.get("targetRef") or {}).get("uid", ""))
    return {
        tag: frozenset.intersection(*(frozenset(found[name]) for name in names))
        for tag, names in businesses.items()
    }


def closed_nodes(kubernetes: Kubernetes) -> frozenset[str]:
    """Nodes that are cordoned."""
    nodes = kubernetes.list("nodes")
    return frozenset(node["metadata"]["name"] for node in nodes if node["spec"].get("unschedulable"))
