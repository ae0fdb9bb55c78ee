"""What is asked before an object is created: its namespace, its priority class, its quota."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from devcluster.errors import Cause, Forbidden, NotFound
from devcluster.quantities import Amounts, add, amounts, pod_requests, written
from devcluster.resources import Resource, resource
from devcluster.store import Store

Json = dict[str, Any]

NAMESPACES = resource("namespaces")
PODS = resource("pods")
QUOTAS = resource("resourcequotas")
PRIORITY_CLASSES = resource("priorityclasses")
BUILT_IN_PRIORITIES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
FINISHED = ("Succeeded", "Failed")


def check_namespace(store: Store, kind: Resource, namespace: str, name: str) -> None:
    """404 for a namespace that is not there, 403 for one that is going."""
    if not kind.namespaced:
        return
    found = store.find(NAMESPACES, "", namespace)
    if found is None:
        raise NotFound("namespaces", namespace)
    if found["metadata"].get("deletionTimestamp"):
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        error = Forbidden(kind.plural, name, why, kind.group)
        cause = Cause(
            "NamespaceTerminating", f"namespace {namespace} is being terminated", "metadata.namespace"
        )
        error.details = {**(error.details or {}), "causes": [cause.to_json()]}
        raise error


def with_priority(store: Store, pod: Json) -> Json:
    """The pod with the number its priority class stands for; 403 for an unknown class."""
    spec = pod["spec"]
    name = spec.get("priorityClassName", "")
    if name in BUILT_IN_PRIORITIES:
        return {**pod, "spec": {**spec, "priority": BUILT_IN_PRIORITIES[name]}}
    found = _priority_class(store, name)
    if found is None and name:
        why = f"no PriorityClass with name {name} was found"
        raise Forbidden("pods", pod["metadata"]["name"], why)
    if found is None:
        return pod
    policy = found.get("preemptionPolicy", "PreemptLowerPriority")
    chosen = {"priorityClassName": found["metadata"]["name"], "priority": found.get("value", 0)}
    return {**pod, "spec": {**spec, **chosen, "preemptionPolicy": policy}}


def _priority_class(store: Store, name: str) -> Json | None:
    if name:
        return store.find(PRIORITY_CLASSES, "", name)
    defaults = [item for item in store.list(PRIORITY_CLASSES) if item.get("globalDefault")]
    return max(defaults, key=lambda item: int(item.get("value", 0)), default=None)


def check_quota(store: Store, kind: Resource, obj: Json) -> None:
    """403 naming the quota that the new object would break, with what is asked, used and allowed.

    As upstream, only what the quota's status shows is enforced: a new quota bites once its controller saw it.
    """
    namespace = obj["metadata"].get("namespace", "")
    for quota in store.list(QUOTAS, namespace) if kind.namespaced else ():
        hard = amounts((quota.get("status") or {}).get("hard"))
        if not in_scope(quota, kind, obj):
            continue
        asked = {name: value for name, value in usage_of(kind, obj).items() if name in hard}
        if asked:
            _check(store, kind, obj, quota, hard, asked)


def _check(store: Store, kind: Resource, obj: Json, quota: Json, hard: Amounts, asked: Amounts) -> None:
    used = quota_used(store, quota)
    zero = Decimal(0)
    broken = sorted(name for name, value in asked.items() if used.get(name, zero) + value > hard[name])
    if not broken:
        return
    listed = {
        "requested": _shown(broken, asked),
        "used": _shown(broken, used),
        "limited": _shown(broken, hard),
    }
    why = f"exceeded quota: {quota['metadata']['name']}, " + ", ".join(
        f"{key}: {text}" for key, text in listed.items()
    )
    raise Forbidden(kind.plural, obj["metadata"]["name"], why, kind.group)


def _shown(names: Iterable[str], values: Amounts) -> str:
    return ",".join(f"{name}={written(values.get(name, Decimal(0)), name)}" for name in names)


def quota_used(store: Store, quota: Json) -> Amounts:
    """What the namespace uses of a quota's hard limits, counted from the objects."""
    hard = amounts((quota.get("spec") or {}).get("hard"))
    used: Amounts = dict.fromkeys(hard, Decimal(0))
    namespace = quota["metadata"]["namespace"]
    for kind in _counted_kinds(hard):
        for obj in store.list(kind, namespace):
            if in_scope(quota, kind, obj):
                part = {name: value for name, value in usage_of(kind, obj).items() if name in hard}
                used = add(used, part)
    return used


def _counted_kinds(hard: Amounts) -> list[Resource]:
    kinds = [PODS]
    for name in hard:
        plural, _, group = name.removeprefix("count/").partition(".")
        try:
            kind = resource(group, plural)
        except KeyError:
            continue
        if kind not in kinds:
            kinds.append(kind)
    return kinds


def usage_of(kind: Resource, obj: Json) -> Amounts:
    """What one object counts for; a finished pod counts for nothing but its own number."""
    one = Decimal(1)
    counted: Amounts = {f"count/{kind.key}": one}
    if kind is not PODS:
        return {**counted, kind.plural: one} if not kind.group else counted
    if (obj.get("status") or {}).get("phase") in FINISHED:
        return counted
    counted["pods"] = one
    for name, value in pod_requests(obj["spec"]).items():
        counted[f"requests.{name}"] = value
        counted[name] = value
    for name, value in pod_requests(obj["spec"], "limits").items():
        counted[f"limits.{name}"] = value
    return counted


def in_scope(quota: Json, kind: Resource, obj: Json) -> bool:
    """Whether a quota's scopes speak of this object; scoped quotas count pods only."""
    spec = quota.get("spec") or {}
    terms = [*((spec.get("scopeSelector") or {}).get("matchExpressions") or ())]
    terms += [{"scopeName": name, "operator": "Exists"} for name in spec.get("scopes") or ()]
    if terms and kind is not PODS:
        return False
    return all(_in_term(term, obj) for term in terms)


def _in_term(term: Json, pod: Json) -> bool:
    scope, operator = term["scopeName"], term["operator"]
    spec = pod["spec"]
    if scope == "PriorityClass":
        name = spec.get("priorityClassName", "")
        values = term.get("values") or ()
        tests = {
            "In": name in values,
            "NotIn": name not in values,
            "Exists": bool(name),
            "DoesNotExist": not name,
        }
        return tests[operator]
    bounded = spec.get("activeDeadlineSeconds") is not None
    best_effort = not any(
        (item.get("resources") or {}).get("requests") for item in spec.get("containers") or ()
    )
    facts = {
        "Terminating": bounded,
        "NotTerminating": not bounded,
        "BestEffort": best_effort,
        "NotBestEffort": not best_effort,
    }
    return facts.get(scope, False)
