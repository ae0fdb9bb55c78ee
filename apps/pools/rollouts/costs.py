"""Deletion costs that do not fit: others change a pod's label, and the cost is as it was before.

A controller takes the cheapest pod, so a released rollout could take one that somebody lent with kubectl
rather than a free one.
"""

from apps.gateways import labels
from apps.gateways.errors import NotFound, PatchRefused
from apps.gateways.kubernetes import Kubernetes
from apps.pools.handover.patch import BUSINESS, COST, pointer
from apps.pools.live_view import PodFacts
from apps.pools.reconciler.sight import Sight

CHEAP = (labels.UNASSIGNED, labels.RETIRING)


def correct(kubernetes: Kubernetes, sight: Sight) -> bool:
    """Give the pods of earlier versions the cost of who has them; whether any had another. Raises
    GatewayError.
    """
    wrong = [pod for pod in sight.old if pod.business and pod.annotated and pod.cost != cost_of(pod)]
    for pod in wrong:
        write(kubernetes, pod)
    return bool(wrong)


def cost_of(pod: PodFacts) -> str:
    """What the portal writes for a pod in these hands."""
    return labels.COST_FREE if pod.business in CHEAP else labels.COST_LENT


def write(kubernetes: Kubernetes, pod: PodFacts) -> None:
    """Set it, unless the pod has changed hands since the look, which brings its own."""
    change = [
        {"op": "test", "path": pointer("uid"), "value": pod.uid},
        {"op": "test", "path": BUSINESS, "value": pod.business},
        {"op": "add", "path": COST, "value": cost_of(pod)},
    ]
    try:
        kubernetes.patch_json("pods", pod.name, change, namespace=pod.namespace)
    except (PatchRefused, NotFound):
        return
