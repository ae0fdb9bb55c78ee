"""What a Job's pods have come to, and the conditions that say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from devcluster.controllers.pods import phase
from devcluster.objects import Json, annotations_of, epoch, put_condition, spec_of, status_of, uid_of

INDEX = "batch.kubernetes.io/job-completion-index"


@dataclass
class Tally:
    """Finished pods by uid, kept when the pods are gone (upstream keeps the pods by a finalizer instead)."""

    succeeded: dict[str, str] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    last_failure: float = 0.0

    def count(self, pods: Iterable[Json]) -> None:
        for pod in pods:
            if phase(pod) == "Succeeded":
                self.succeeded[uid_of(pod)] = annotations_of(pod).get(INDEX, uid_of(pod))
            elif phase(pod) == "Failed" and uid_of(pod) not in self.failed:
                self.failed.add(uid_of(pod))
                self.last_failure = max(self.last_failure, _ended(pod))


def _ended(pod: Json) -> float:
    """When its last container ended, else when it began."""
    times = [
        epoch(((entry.get("state") or {}).get("terminated") or {}).get("finishedAt"))
        for entry in status_of(pod).get("containerStatuses") or ()
    ]
    return max(times, default=0.0) or epoch(status_of(pod).get("startTime"))


def is_complete(job: Json, tally: Tally, pods: list[Json]) -> bool:
    """Enough successes; without `completions`: one success and nothing running."""
    wanted = spec_of(job).get("completions")
    if wanted is not None:
        return len(set(tally.succeeded.values())) >= int(wanted)
    running = [pod for pod in pods if phase(pod) in ("", "Pending", "Running")]
    return bool(tally.succeeded) and not running


def finished_condition(job: Json) -> Json | None:
    """Complete or Failed, when true."""
    for entry in status_of(job).get("conditions") or ():
        if entry["type"] in ("Complete", "Failed") and entry["status"] == "True":
            found: Json = entry
            return found
    return None


def sets_conditions(status: Json, ending: tuple[str, str, str], now: str) -> Json:
    """The status of a Job that is over: first why, then that, as upstream writes both."""
    kind, reason, message = ending
    before = "SuccessCriteriaMet" if kind == "Complete" else "FailureTarget"
    conditions = status.get("conditions") or []
    for name in (before, kind):
        entry = {
            "type": name,
            "status": "True",
            "lastProbeTime": now,
            "lastTransitionTime": now,
            "reason": reason,
            "message": message,
        }
        conditions = put_condition(conditions, entry)
    over = {name: value for name, value in status.items() if name not in ("active", "ready")}
    if kind == "Complete":
        over["completionTime"] = now
    return {**over, "conditions": conditions}


def ranges(indexes: Iterable[str]) -> str:
    """Numbers as "0-2,5"."""
    numbers = sorted({int(text) for text in indexes if text.isdigit()})
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
