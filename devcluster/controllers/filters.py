"""Whether a pod may run on a node, and how much it would like to: the scheduler's filters and scores."""

from __future__ import annotations

from decimal import Decimal

from devcluster.objects import Json, holds, labels_of, spec_of
from devcluster.quantities import Amounts

ZERO = Decimal(0)
SELECTOR = "node(s) didn't match Pod's node affinity/selector"
UNSCHEDULABLE = "node(s) were unschedulable"
TOO_MANY = "Too many pods"


def refusals(pod: Json, requests: Amounts, node: Json, allocatable: Amounts, used: Amounts) -> list[str]:
    """Why the node cannot take the pod, in upstream's words; empty when it can."""
    if spec_of(node).get("unschedulable") and not tolerates(pod, UNSCHEDULABLE_TAINT):
        return [UNSCHEDULABLE]
    wanted = spec_of(pod).get("nodeName")
    if wanted and wanted != node["metadata"]["name"]:
        return ["node(s) didn't match the requested node name"]
    taint = next((entry for entry in hard_taints(node) if not tolerates(pod, entry)), None)
    if taint is not None:
        return [f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"]
    if not fits_affinity(pod, node):
        return [SELECTOR]
    return shortages(requests, allocatable, used)


UNSCHEDULABLE_TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def hard_taints(node: Json) -> list[Json]:
    taints = spec_of(node).get("taints") or ()
    return [entry for entry in taints if entry.get("effect") in ("NoSchedule", "NoExecute")]


def tolerates(pod: Json, taint: Json) -> bool:
    return any(tolerated(entry, taint) for entry in spec_of(pod).get("tolerations") or ())


def tolerated(toleration: Json, taint: Json) -> bool:
    """Whether one toleration covers one taint."""
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")


def fits_affinity(pod: Json, node: Json) -> bool:
    """nodeSelector and the required node affinity."""
    labels = labels_of(node)
    wanted = spec_of(pod).get("nodeSelector") or {}
    if any(labels.get(name) != value for name, value in wanted.items()):
        return False
    required = _node_affinity(pod).get("requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    return any(fits_term(term, node) for term in required.get("nodeSelectorTerms") or ())


def _node_affinity(pod: Json) -> Json:
    return (spec_of(pod).get("affinity") or {}).get("nodeAffinity") or {}


def fits_term(term: Json, node: Json) -> bool:
    """One nodeSelectorTerm; an empty one fits nothing."""
    expressions, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    if not expressions and not fields:
        return False
    labels, name = labels_of(node), node["metadata"]["name"]
    return all(
        holds(entry["operator"], labels.get(entry["key"]), entry.get("values") or []) for entry in expressions
    ) and all(holds(entry["operator"], name, entry.get("values") or []) for entry in fields)


def shortages(requests: Amounts, allocatable: Amounts, used: Amounts) -> list[str]:
    short = []
    if used.get("pods", ZERO) + 1 > allocatable.get("pods", Decimal(110)):
        short.append(TOO_MANY)
    for name, wanted in requests.items():
        if wanted > 0 and wanted > allocatable.get(name, ZERO) - used.get(name, ZERO):
            short.append(f"Insufficient {name}")
    return short


def score(
    pod: Json, requests: Amounts, node: Json, allocatable: Amounts, used: Amounts, siblings: int
) -> float:
    """Higher is better: the least loaded node, away from pods of the same owner, where it prefers to be."""
    shares = []
    for name in ("cpu", "memory", "nvidia.com/gpu"):
        capacity = allocatable.get(name, ZERO)
        if capacity > 0:
            free = capacity - used.get(name, ZERO) - requests.get(name, ZERO)
            shares.append(float(free / capacity))
    balance = sum(shares) / len(shares) if shares else 0.0
    return 100 * balance + _preference(pod, node) - 10.0 * siblings - _soft_taints(pod, node)


def _preference(pod: Json, node: Json) -> float:
    preferred = _node_affinity(pod).get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    return float(sum(entry["weight"] for entry in preferred if fits_term(entry["preference"], node)))


def _soft_taints(pod: Json, node: Json) -> float:
    taints = [entry for entry in spec_of(node).get("taints") or () if entry["effect"] == "PreferNoSchedule"]
    return 100.0 * sum(not tolerates(pod, entry) for entry in taints)
