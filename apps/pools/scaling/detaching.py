"""Taking victims out of their ReplicaSet and putting them back: compare-and-set of the label `app`."""

from typing import Any

from apps.gateways import labels
from apps.gateways.errors import Conflict, NotFound, PatchRefused
from apps.gateways.kubernetes import Kubernetes
from apps.pools.handover import observing
from apps.pools.handover.patch import APP, BUSINESS, pointer
from apps.pools.live_view import PodFacts, read_pod
from apps.pools.models import PoolRecord
from apps.pools.scaling.names import detached_app

KEPT = pointer("annotations", labels.KEPT_APP)


def detach(kubernetes: Kubernetes, pod: PodFacts, *, app: str, operation: str) -> bool:
    """Have the ReplicaSet let go of a retiring pod; False when it is not what it was."""
    return patched(
        kubernetes,
        pod,
        [
            *compare(pod, app),
            {"op": "add", "path": KEPT, "value": app},
            {"op": "replace", "path": APP, "value": detached_app(operation)},
        ],
    )


def attach(kubernetes: Kubernetes, pod: PodFacts, *, app: str) -> bool:
    """Have the ReplicaSet take it back. Only under a standing fence, and only while it wants so many pods."""
    back = [*compare(pod, pod.labels[labels.APP]), {"op": "replace", "path": APP, "value": app}]
    return patched(kubernetes, pod, back)


def compare(pod: PodFacts, app: str) -> list[dict[str, Any]]:
    """This very pod, still retiring, with this selector label."""
    return [
        {"op": "test", "path": pointer("uid"), "value": pod.uid},
        {"op": "test", "path": BUSINESS, "value": labels.RETIRING},
        {"op": "test", "path": APP, "value": app},
    ]


def patched(kubernetes: Kubernetes, pod: PodFacts, operations: list[dict[str, Any]]) -> bool:
    """Send it; False when the pod is gone or another."""
    try:
        kubernetes.patch_json("pods", pod.name, operations, namespace=pod.namespace)
    except (PatchRefused, NotFound):
        return False
    return True


def delete(kubernetes: Kubernetes, record: PoolRecord, pod: PodFacts) -> None:
    """Delete this very pod and close its interval; gone already is fine. Raises GatewayError, Conflict too
    where the pod is still there: a cluster does not say for what else it refuses.
    """
    try:
        kubernetes.delete("pods", pod.name, namespace=pod.namespace, uid=pod.uid)
    except NotFound:
        pass
    except Conflict:
        now = read_pod(kubernetes, namespace=pod.namespace, name=pod.name)
        if now is not None and now.uid == pod.uid and not now.deleting:
            raise
    observing.finish(record, [pod.uid])
