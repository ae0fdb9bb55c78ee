"""What several controllers ask about pods, with upstream's exact rules."""

from __future__ import annotations

from devcluster.objects import Json, condition, epoch, is_terminating, is_true, spec_of, status_of

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


def phase(pod: Json) -> str:
    found: str = status_of(pod).get("phase", "")
    return found


def is_finished(pod: Json) -> bool:
    return phase(pod) in ("Succeeded", "Failed")


def is_active(pod: Json) -> bool:
    """Counted by controllers: not finished and not being deleted."""
    return not is_finished(pod) and not is_terminating(pod)


def is_ready(pod: Json) -> bool:
    return is_true(status_of(pod).get("conditions"), "Ready")


def ready_since(pod: Json) -> float:
    """Epoch seconds of the Ready condition's last change; 0 when not Ready."""
    entry = condition(status_of(pod).get("conditions"), "Ready")
    if entry is None or entry.get("status") != "True":
        return 0.0
    return epoch(entry.get("lastTransitionTime"))


def is_available(pod: Json, min_ready_seconds: int, now: float) -> bool:
    if not is_ready(pod):
        return False
    since = ready_since(pod)
    return min_ready_seconds == 0 or (since > 0 and since + min_ready_seconds <= now)


def node_name(pod: Json) -> str:
    name: str = spec_of(pod).get("nodeName", "")
    return name


def deletion_cost(pod: Json) -> int:
    """The annotation as a number; 0 when absent or not a number, as upstream."""
    text = (pod["metadata"].get("annotations") or {}).get(DELETION_COST, "")
    try:
        return int(text)
    except ValueError:
        return 0


def restarts(pod: Json) -> int:
    """The most often restarted container's count."""
    return max(
        (entry.get("restartCount", 0) for entry in status_of(pod).get("containerStatuses") or ()), default=0
    )
