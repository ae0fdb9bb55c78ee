"""Deletion costs that do not fit: others change a pod's label, and the cost is as it was before.

The cluster's controller takes the cheapest pod, so `kubectl scale` or a released rollout could take one that
somebody lent with kubectl rather than a free one.
"""

from collections.abc import Iterable

import structlog

from apps.gateways import labels
from apps.gateways.errors import NotFound, PatchRefused
from apps.gateways.kubernetes import Kubernetes
from apps.pools.handover.patch import BUSINESS, CHEAP, COST, NEW_ANNOTATIONS, cost_of, pointer
from apps.pools.live_view import PodFacts

logger = structlog.get_logger(__name__)


def wrong_in(pods: Iterable[PodFacts]) -> set[tuple[str, str]]:
    """The pools (namespace, name) of those among the pods whose cost is to be corrected."""
    return {(pod.namespace, pod.pool) for pod in misfits(pods)}


def correct(kubernetes: Kubernetes, pods: Iterable[PodFacts]) -> bool:
    """Give living pods the cost of who has them; whether any had another. Raises GatewayError."""
    wrong = misfits(pods)
    for pod in wrong:
        write(kubernetes, pod)
    return bool(wrong)


def misfits(pods: Iterable[PodFacts]) -> list[PodFacts]:
    """The living ones whose cost is not that of who has them."""
    return [pod for pod in pods if pod.alive and pod.business and not fits(pod)]


def fits(pod: PodFacts) -> bool:
    """Whether it is as dear as a lent pod if it is lent, and only then. Among free ones any cost will do."""
    return (pod.cost == labels.COST_LENT) == (pod.business not in CHEAP)


def write(kubernetes: Kubernetes, pod: PodFacts) -> None:
    """Set the cost, unless the pod has changed hands since the look, which brings its own."""
    change = [
        {"op": "test", "path": pointer("uid"), "value": pod.uid},
        {"op": "test", "path": BUSINESS, "value": pod.business},
        *(() if pod.annotated else NEW_ANNOTATIONS),
        {"op": "add", "path": COST, "value": cost_of(pod.business)},
    ]
    try:
        kubernetes.patch_json("pods", pod.name, change, namespace=pod.namespace)
    except (PatchRefused, NotFound):
        return
    logger.info("deletion_cost_corrected", pod=f"{pod.namespace}/{pod.name}", business=pod.business)
