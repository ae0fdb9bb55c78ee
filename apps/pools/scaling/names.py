"""What a scale-down leaves in the cluster while it runs, and how each part is known again."""

from apps.gateways import labels
from apps.pools.live_view import PodFacts


def detached_app(operation: str) -> str:
    """The value of the label `app` that takes a pod out of its ReplicaSet's selector."""
    return f"retired-{operation}"


def is_detached(pod: PodFacts) -> bool:
    """Whether a scale-down took the pod out of its ReplicaSet's selector."""
    own = pod.labels.get(labels.APP, "")
    return pod.business == labels.RETIRING and own.startswith(detached_app("")) and not pod.deleting


def fence_name(pool: str) -> str:
    """The ResourceQuota's name."""
    return f"{pool}-scale-fence"
