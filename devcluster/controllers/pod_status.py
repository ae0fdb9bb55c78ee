"""A pod's status as its kubelet reports it: phase, conditions and containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devcluster.objects import Json, condition, rfc3339, status_of

if TYPE_CHECKING:
    from devcluster.controllers.container import Container
    from devcluster.controllers.pod_runner import PodRunner


def pod_status(runner: PodRunner, now: float) -> Json:
    """The whole status; conditions keep their transition times by `merged` when written."""
    status: Json = {
        "phase": _phase(runner),
        "conditions": _conditions(runner, rfc3339(now)),
        "hostIP": runner.kubelet.host_ip(runner.node),
        "startTime": runner.start_time,
        "containerStatuses": [container.status() for container in runner.containers],
        "qosClass": _quality(runner.spec),
    }
    if runner.init_containers:
        status["initContainerStatuses"] = [container.status() for container in runner.init_containers]
    if runner.ip:
        status |= {"podIP": runner.ip, "podIPs": [{"ip": runner.ip}]}
    return status


def merged(old: Json, status: Json) -> Json:
    """The new status with what others wrote kept: their conditions, and unchanged transition times."""
    fresh = [
        _kept_time(condition(old.get("conditions"), entry["type"]), entry) for entry in status["conditions"]
    ]
    ours = {entry["type"] for entry in fresh}
    others = [entry for entry in old.get("conditions") or () if entry["type"] not in ours]
    return {**status, "conditions": [*fresh, *others]}


def _kept_time(old: Json | None, entry: Json) -> Json:
    if old is not None and old["status"] == entry["status"]:
        return {**entry, "lastTransitionTime": old["lastTransitionTime"]}
    return entry


def _conditions(runner: PodRunner, now: str) -> list[Json]:
    unready = [container.name for container in runner.containers if not container.status()["ready"]]
    reason = _reason(runner, unready)
    gates = [gate["conditionType"] for gate in runner.spec.get("readinessGates") or ()]
    current = status_of(runner.kubelet.current(runner) or {}).get("conditions")
    closed = [gate for gate in gates if (condition(current, gate) or {}).get("status") != "True"]
    ready = reason or ({"reason": "ReadinessGatesNotReady"} if closed else {})
    entries = [
        ("PodReadyToStartContainers", bool(runner.ip), {}),
        (
            "Initialized",
            runner.initialized,
            {} if runner.initialized else {"reason": "ContainersNotInitialized"},
        ),
        ("Ready", not ready, ready),
        ("ContainersReady", not reason, reason),
        ("PodScheduled", True, {}),
    ]
    return [
        {
            "type": kind,
            "status": "True" if holds else "False",
            "lastProbeTime": None,
            "lastTransitionTime": now,
            **why,
        }
        for kind, holds, why in entries
    ]


def _reason(runner: PodRunner, unready: list[str]) -> Json:
    if _phase(runner) == "Succeeded":
        return {"reason": "PodCompleted"}
    if unready:
        listed = " ".join(unready)
        return {"reason": "ContainersNotReady", "message": f"containers with unready status: [{listed}]"}
    return {}


def _phase(runner: PodRunner) -> str:
    containers = runner.containers
    if any(_begins(container) for container in containers) or not runner.initialized:
        failed = any(c.exit_code not in (None, 0) for c in runner.init_containers)
        return "Failed" if failed and runner.restart_policy == "Never" else "Pending"
    if all("terminated" in container.state for container in containers) and runner.restart_policy != "Always":
        codes = [container.exit_code for container in containers]
        if all(code == 0 for code in codes):
            return "Succeeded"
        if runner.restart_policy == "Never":
            return "Failed"
    return "Running"


def _begins(container: Container) -> bool:
    """Waiting and never run yet."""
    return "waiting" in container.state and not container.last_state


def _quality(spec: Json) -> str:
    """qosClass: Guaranteed when requests equal limits for cpu and memory everywhere."""
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    resources = [container.get("resources") or {} for container in containers]
    named = [entry.get(part) or {} for entry in resources for part in ("requests", "limits")]
    if not any(name in values for values in named for name in ("cpu", "memory")):
        return "BestEffort"
    return "Guaranteed" if all(_is_fixed(entry) for entry in resources) else "Burstable"


def _is_fixed(resources: Json) -> bool:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    return all(
        name in limits and requests.get(name, limits[name]) == limits[name] for name in ("cpu", "memory")
    )
