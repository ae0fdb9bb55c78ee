"""The cells of each resource's Table row, as upstream's printers fill them (pkg/printers/internalversion)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from devcluster.selectors import selector_text

Json = dict[str, Any]

NONE = "<none>"
UNSET = "<unset>"


def seconds_of(stamp: Any) -> float | None:
    """RFC 3339 text as epoch seconds; None for nothing."""
    if not stamp:
        return None
    return datetime.fromisoformat(str(stamp).replace("Z", "+00:00")).timestamp()


def age(stamp: Any, now: float) -> str:
    """How long ago, in kubectl's short form."""
    since = seconds_of(stamp)
    return "<unknown>" if since is None else duration(now - since)


def duration(seconds: float) -> str:
    """`12s`, `3m20s`, `45m`, `5h10m`, `2d3h`, `40d`, `1y20d` (apimachinery's HumanDuration)."""
    whole = max(int(seconds), 0)
    if whole < 120:
        return f"{whole}s"
    minutes = whole // 60
    if minutes < 10:
        return f"{minutes}m{whole % 60}s" if whole % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    hours = whole // 3600
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    days = hours // 24
    if hours < 192:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    years, rest = divmod(days, 365)
    return f"{years}y{rest}d" if rest and years < 8 else f"{years}y"


def _name(obj: Json) -> str:
    name: str = obj["metadata"]["name"]
    return name


def _age(obj: Json, now: float) -> str:
    return age(obj["metadata"].get("creationTimestamp"), now)


def _spec(obj: Json) -> Json:
    return obj.get("spec") or {}


def _status(obj: Json) -> Json:
    return obj.get("status") or {}


def _containers(obj: Json) -> tuple[str, str]:
    """Names and images of a template's containers."""
    spec = _spec(_spec(obj).get("template") or {})
    found = spec.get("containers") or []
    return ",".join(item.get("name", "") for item in found), ",".join(item.get("image", "") for item in found)


def _selector(obj: Json) -> str:
    return selector_text(_spec(obj).get("selector")) or NONE


def pod(obj: Json, now: float) -> list[Any]:
    spec, status = _spec(obj), _status(obj)
    statuses = status.get("containerStatuses") or []
    ready = sum(1 for item in statuses if item.get("ready"))
    ips = status.get("podIP") or NONE
    return [
        _name(obj),
        f"{ready}/{len(spec.get('containers') or ())}",
        pod_reason(obj),
        _restarts(statuses, now),
        _age(obj, now),
        ips,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        NONE,
    ]


def _restarts(statuses: list[Json], now: float) -> str:
    total = sum(item.get("restartCount", 0) for item in statuses)
    ended = [((item.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for item in statuses]
    last = max((seconds for seconds in map(seconds_of, ended) if seconds is not None), default=None)
    return f"{total} ({duration(now - last)} ago)" if total and last is not None else str(total)


def pod_reason(obj: Json) -> str:
    """The word in the Status column: phase, a container's trouble, or Terminating."""
    status = _status(obj)
    reason: str = status.get("reason") or status.get("phase") or ""
    gone = "SchedulingGated"
    if any(item.get("reason") == gone for item in status.get("conditions") or ()):
        reason = gone
    running = False
    for item in reversed(status.get("containerStatuses") or []):
        state = item.get("state") or {}
        waiting, terminated = state.get("waiting") or {}, state.get("terminated") or {}
        if waiting.get("reason"):
            reason = waiting["reason"]
        elif terminated:
            code, signal = terminated.get("exitCode", 0), terminated.get("signal")
            reason = terminated.get("reason") or (f"Signal:{signal}" if signal else f"ExitCode:{code}")
        elif item.get("ready") and "running" in state:
            running = True
    if reason == "Completed" and running:
        reason = "Running" if _is_true(status, "Ready") else "NotReady"
    if obj["metadata"].get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return reason


def _is_true(status: Json, kind: str) -> bool:
    return any(item["type"] == kind and item["status"] == "True" for item in status.get("conditions") or ())


def deployment(obj: Json, now: float) -> list[Any]:
    spec, status = _spec(obj), _status(obj)
    names, images = _containers(obj)
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
    counts = [status.get("updatedReplicas", 0), status.get("availableReplicas", 0)]
    return [_name(obj), ready, *counts, _age(obj, now), names, images, _selector(obj)]


def replicaset(obj: Json, now: float) -> list[Any]:
    status = _status(obj)
    names, images = _containers(obj)
    counts = [_spec(obj).get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [_name(obj), *counts, _age(obj, now), names, images, _selector(obj)]


def statefulset(obj: Json, now: float) -> list[Any]:
    names, images = _containers(obj)
    ready = f"{_status(obj).get('readyReplicas', 0)}/{_spec(obj).get('replicas', 0)}"
    return [_name(obj), ready, _age(obj, now), names, images]


def daemonset(obj: Json, now: float) -> list[Any]:
    status = _status(obj)
    names, images = _containers(obj)
    keys = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    template = _spec(_spec(obj).get("template") or {})
    chosen = ",".join(f"{key}={value}" for key, value in sorted((template.get("nodeSelector") or {}).items()))
    counts = [status.get(key, 0) for key in keys]
    return [_name(obj), *counts, chosen or NONE, _age(obj, now), names, images, _selector(obj)]


def job(obj: Json, now: float) -> list[Any]:
    spec, status = _spec(obj), _status(obj)
    names, images = _containers(obj)
    wanted = spec.get("completions")
    done = status.get("succeeded", 0)
    completions = f"{done}/{wanted}" if wanted is not None else f"{done}/1 of {spec.get('parallelism', 1)}"
    started, ended = seconds_of(status.get("startTime")), seconds_of(status.get("completionTime"))
    took = "" if started is None else duration((now if ended is None else ended) - started)
    return [_name(obj), _job_state(obj), completions, took, _age(obj, now), names, images, _selector(obj)]


def _job_state(obj: Json) -> str:
    status = _status(obj)
    for kind, word in (("Complete", "Complete"), ("Failed", "Failed")):
        if _is_true(status, kind):
            return word
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return "Suspended" if _is_true(status, "Suspended") else "Running"


def cronjob(obj: Json, now: float) -> list[Any]:
    spec, status = _spec(obj), _status(obj)
    names, images = _containers({"spec": _spec(spec.get("jobTemplate") or {})})
    last = status.get("lastScheduleTime")
    return [
        _name(obj),
        spec.get("schedule"),
        spec.get("timeZone") or NONE,
        spec.get("suspend", False),
        len(status.get("active") or ()),
        age(last, now) if last else NONE,
        _age(obj, now),
        names,
        images,
        NONE,
    ]


def service(obj: Json, now: float) -> list[Any]:
    spec = _spec(obj)
    ports = ",".join(_service_port(port) for port in spec.get("ports") or ()) or NONE
    selector = (
        ",".join(f"{key}={value}" for key, value in sorted((spec.get("selector") or {}).items())) or NONE
    )
    address = spec.get("clusterIP") or NONE
    return [_name(obj), spec.get("type"), address, _external(obj), ports, _age(obj, now), selector]


def _service_port(port: Json) -> str:
    node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port['port']}{node}/{port.get('protocol', 'TCP')}"


def _external(obj: Json) -> str:
    spec = _spec(obj)
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", ""))
    given = spec.get("externalIPs") or []
    if spec.get("type") == "LoadBalancer":
        ingress = (_status(obj).get("loadBalancer") or {}).get("ingress") or []
        given = [item.get("ip") or item.get("hostname", "") for item in ingress] + given
        return ",".join(given) or "<pending>"
    return ",".join(given) or NONE


def endpoints(obj: Json, now: float) -> list[Any]:
    found: list[str] = []
    for subset in obj.get("subsets") or ():
        ports = [port.get("port") for port in subset.get("ports") or ()] or [None]
        for port in ports:
            addresses = [item.get("ip", "") for item in subset.get("addresses") or ()]
            found += [f"{address}:{port}" if port else address for address in addresses]
    return [_name(obj), _some(found, 3), _age(obj, now)]


def _some(items: list[str], limit: int) -> str:
    if not items:
        return NONE
    more = f" + {len(items) - limit} more..." if len(items) > limit else ""
    return ",".join(items[:limit]) + more


def endpointslice(obj: Json, now: float) -> list[Any]:
    ports = [str(port.get("port")) if port.get("port") else UNSET for port in obj.get("ports") or ()]
    found = [address for item in obj.get("endpoints") or () for address in item.get("addresses") or ()]
    shown = UNSET if not ports else _some(ports, 3)
    return [
        _name(obj),
        obj.get("addressType"),
        shown,
        UNSET if not found else _some(found, 3),
        _age(obj, now),
    ]


def node(obj: Json, now: float) -> list[Any]:
    spec, status = _spec(obj), _status(obj)
    info = status.get("nodeInfo") or {}
    known = any(item["type"] == "Ready" for item in status.get("conditions") or ())
    state = ("Ready" if _is_true(status, "Ready") else "NotReady") if known else "Unknown"
    if spec.get("unschedulable"):
        state += ",SchedulingDisabled"
    keys = ("osImage", "kernelVersion", "containerRuntimeVersion")
    return [
        _name(obj),
        state,
        _roles(obj),
        _age(obj, now),
        info.get("kubeletVersion", ""),
        _address(status, "InternalIP"),
        _address(status, "ExternalIP"),
        *(info.get(key) or "<unknown>" for key in keys),
    ]


def _roles(obj: Json) -> str:
    labels = obj["metadata"].get("labels") or {}
    prefix = "node-role.kubernetes.io/"
    roles = {key.removeprefix(prefix) for key in labels if key.startswith(prefix)}
    roles |= {value for key, value in labels.items() if key == "kubernetes.io/role"}
    return ",".join(sorted(roles - {""})) or NONE


def _address(status: Json, kind: str) -> str:
    found = [item["address"] for item in status.get("addresses") or () if item["type"] == kind]
    return found[0] if found else NONE


def namespace(obj: Json, now: float) -> list[Any]:
    return [_name(obj), _status(obj).get("phase", ""), _age(obj, now)]


def event(obj: Json, now: float) -> list[Any]:
    about = obj.get("involvedObject") or {}
    series = obj.get("series") or {}
    first = obj.get("firstTimestamp") or obj.get("eventTime")
    last = series.get("lastObservedTime") or obj.get("lastTimestamp") or first
    target = f"{about.get('kind', '').lower()}/{about.get('name', '')}"
    source = obj.get("source") or {}
    who = source.get("component") or obj.get("reportingComponent", "")
    host = source.get("host") or obj.get("reportingInstance", "")
    return [
        age(last, now),
        obj.get("type", ""),
        obj.get("reason", ""),
        target,
        about.get("fieldPath", ""),
        f"{who}, {host}" if host else who,
        str(obj.get("message", "")).strip(),
        age(first, now),
        series.get("count") or obj.get("count") or 1,
        _name(obj),
    ]


def configmap(obj: Json, now: float) -> list[Any]:
    return [_name(obj), len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), _age(obj, now)]


def secret(obj: Json, now: float) -> list[Any]:
    return [_name(obj), obj.get("type", ""), len(obj.get("data") or {}), _age(obj, now)]


def serviceaccount(obj: Json, now: float) -> list[Any]:
    return [_name(obj), len(obj.get("secrets") or ()), _age(obj, now)]


def quota(obj: Json, now: float) -> list[Any]:
    status = _status(obj)
    hard, used = status.get("hard") or {}, status.get("used") or {}
    parts = {name: f"{name}: {used.get(name, 0)}/{limit}" for name, limit in sorted(hard.items())}
    limits = ", ".join(text for name, text in parts.items() if name.startswith("limits"))
    requests = ", ".join(text for name, text in parts.items() if not name.startswith("limits"))
    return [_name(obj), requests, limits, _age(obj, now)]


def disruption_budget(obj: Json, now: float) -> list[Any]:
    spec = _spec(obj)
    bounds = [str(spec[name]) if name in spec else "N/A" for name in ("minAvailable", "maxUnavailable")]
    return [_name(obj), *bounds, _status(obj).get("disruptionsAllowed", 0), _age(obj, now)]


def claim(obj: Json, now: float) -> list[Any]:
    spec, status = _spec(obj), _status(obj)
    short = {
        "ReadWriteOnce": "RWO",
        "ReadOnlyMany": "ROX",
        "ReadWriteMany": "RWX",
        "ReadWriteOncePod": "RWOP",
    }
    modes = ",".join(short.get(mode, mode) for mode in status.get("accessModes") or ())
    phase = "Terminating" if obj["metadata"].get("deletionTimestamp") else status.get("phase", "")
    capacity = (status.get("capacity") or {}).get("storage", "")
    return [
        _name(obj),
        phase,
        spec.get("volumeName", ""),
        capacity,
        modes,
        spec.get("storageClassName", ""),
        UNSET,
        _age(obj, now),
        spec.get("volumeMode", ""),
    ]


def priority_class(obj: Json, now: float) -> list[Any]:
    standard = obj.get("globalDefault", False)
    return [_name(obj), obj.get("value", 0), standard, _age(obj, now), obj.get("preemptionPolicy", "")]


def lease(obj: Json, now: float) -> list[Any]:
    return [_name(obj), _spec(obj).get("holderIdentity", ""), _age(obj, now)]


def binding(obj: Json, now: float) -> list[Any]:
    reference = obj.get("roleRef") or {}
    return [_name(obj), f"{reference.get('kind')}/{reference.get('name')}", _age(obj, now)]
