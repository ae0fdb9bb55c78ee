"""Asking the engines: each pod once in ten seconds, however many look; a few at a time, never for long."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from apps.clusters.connections import connect
from apps.clusters.models import Cluster
from apps.gateways.errors import GatewayError, Unreachable
from apps.gateways.kubernetes import Kubernetes
from apps.live import topics
from apps.live.publish import publish
from apps.operations.periodic import periodic
from apps.pools import selectors
from apps.pools.engine import metrics_of
from apps.pools.live_view import PodFacts
from apps.pools.load import metrics, ring
from apps.pools.load.metrics import Reading

logger = structlog.get_logger(__name__)
EVERY = 10.0
AT_ONCE = 8
ROUND_SECONDS = 8.0
POD_SECONDS = 2.0


@periodic("pools.engine load", every=EVERY)
def poll_clusters() -> None:
    """One round over every active cluster, which share its time."""
    clusters = list(Cluster.objects.filter(active=True))
    for cluster in clusters:
        try:
            poll(cluster.pk, connect(cluster.pk).kubernetes, seconds=ROUND_SECONDS / len(clusters))
        except GatewayError as error:
            logger.info("load_unknown", cluster=cluster.slug, error=error.message)


def poll(cluster_id: int, kubernetes: Kubernetes, *, seconds: float = ROUND_SECONDS) -> int:
    """Ask the cluster's pods and keep what they say. Returns how many answered. RedisError."""
    pods = {pod.uid: pod for pod in askable(cluster_id)}
    known = ring.loads(cluster_id, pods)
    oldest = sorted(pods.values(), key=lambda pod: known[pod.uid].read_at if pod.uid in known else 0.0)
    at = float(int(time.time()))
    told = ask_all(kubernetes, oldest, until=time.monotonic() + seconds)
    grown = {uid: known.get(uid, ring.PodLoad()).grown(reading, at) for uid, reading in told.items()}
    ring.keep(cluster_id, grown)
    places = {(pods[uid].namespace, pods[uid].pool) for uid in grown}
    publish(*(topics.load(cluster_id, namespace, pool) for namespace, pool in places))
    return len(grown)


def askable(cluster_id: int) -> list[PodFacts]:
    """The mirrored pods of pools that run something with a port."""
    return [
        pod.facts
        for pool in selectors.pools(cluster_id)
        for pod in pool.pods
        if pod.facts.alive and pod.facts.port and pod.facts.phase == "Running"
    ]


def ask_all(kubernetes: Kubernetes, pods: Sequence[PodFacts], *, until: float) -> Mapping[str, Reading]:
    """Pod uid -> reading, for those that answered before the monotonic time `until`; whoever waits longest
    comes first. A cluster that cannot be reached is left alone for the rest of the round.
    """
    away: list[str] = []

    def ask(pod: PodFacts) -> Reading | None:
        if away or time.monotonic() > until:
            return None
        try:
            return metrics.read(metrics_of(kubernetes, pod, timeout=POD_SECONDS))
        except GatewayError as error:  # the pod's plot has a gap then
            if isinstance(error, Unreachable) and error.status is None:
                away.append(error.message)
        return None

    return {pod.uid: reading for pod, reading in together(ask, pods) if reading is not None}


def together(
    ask: Callable[[PodFacts], Reading | None], pods: Sequence[PodFacts]
) -> list[tuple[PodFacts, Reading | None]]:
    """Every pod with its answer, a few at a time."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="load") as pool:
        return list(zip(pods, pool.map(ask, pods), strict=True))
