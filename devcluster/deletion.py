"""How things end: preconditions, grace, finalizers for the three propagation policies, and eviction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from devcluster.errors import Cause, Conflict, Invalid, TooManyRequests
from devcluster.resources import Resource, resource
from devcluster.selectors import matches_selector
from devcluster.store import Store, timestamp

Json = dict[str, Any]

PODS = resource("pods")
BUDGETS = resource("poddisruptionbudgets")
FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
POLICIES = ("Foreground", "Background", "Orphan")
FINISHED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Options:
    """DeleteOptions; `grace` None means the object's own."""

    uid: str = ""
    resource_version: str = ""
    grace: int | None = None
    propagation: str = ""
    dry_run: bool = False

    def check(self) -> None:
        """422 for a propagation policy that does not exist."""
        if self.propagation and self.propagation not in POLICIES:
            listed = ", ".join(f'"{item}"' for item in (*POLICIES, "nil"))
            text = f'Unsupported value: "{self.propagation}": supported values: {listed}'
            cause = Cause("FieldValueNotSupported", text, "propagationPolicy")
            raise Invalid("DeleteOptions", "", [cause], "meta.k8s.io")


@dataclass(frozen=True)
class Deleted:
    """The object as it was last seen, and whether it is gone already."""

    obj: Json
    removed: bool


def delete(store: Store, kind: Resource, namespace: str, name: str, options: Options) -> Deleted:
    """Begin or complete a deletion as upstream does; NotFound, Conflict."""
    options.check()
    current = store.get(kind, namespace, name)
    _check_preconditions(kind, current, options)
    grace = _grace(kind, current, options)
    if kind is PODS and current["metadata"].get("deletionTimestamp") and not _shorter(current, options.grace):
        return Deleted(current, False)
    ending = _ending(store, kind, current, grace, options)
    stays = grace > 0 or ending["metadata"].get("finalizers") or _held_namespace(kind, ending)
    if options.dry_run:
        return Deleted(ending, not stays)
    if stays:
        return Deleted(store.update(kind, ending, subresource="all"), False)
    if kind is PODS:
        # Watchers see the pod with no grace left before it goes, as upstream's do.
        ending = store.update(kind, ending, subresource="all")
    store.delete(kind, namespace, name)
    return Deleted(ending, True)


def _held_namespace(kind: Resource, obj: Json) -> bool:
    return kind.plural == "namespaces" and bool((obj.get("spec") or {}).get("finalizers"))


def _shorter(current: Json, grace: int | None) -> bool:
    """Whether a terminating pod is asked, in so many words, to go sooner."""
    return grace is not None and bool(grace < (current["metadata"].get("deletionGracePeriodSeconds") or 0))


def _check_preconditions(kind: Resource, current: Json, options: Options) -> None:
    metadata = current["metadata"]
    why = ""
    if options.uid and options.uid != metadata["uid"]:
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record "
            f"({metadata['uid']}). The object might have been deleted and then recreated"
        )
    elif options.resource_version and options.resource_version != metadata["resourceVersion"]:
        why = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the "
            f"ResourceVersion in record ({metadata['resourceVersion']}). The object might have been modified"
        )
    if why:
        raise Conflict(kind.kind, metadata["name"], kind.group, why)


def _grace(kind: Resource, obj: Json, options: Options) -> int:
    """Seconds of grace: pods only, and only those that a kubelet may be running."""
    if kind is not PODS:
        return 0
    spec, phase = obj.get("spec") or {}, (obj.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in FINISHED:
        return 0
    own = int(spec.get("terminationGracePeriodSeconds", 30))
    return own if options.grace is None else max(options.grace, 0)


def _ending(store: Store, kind: Resource, current: Json, grace: int, options: Options) -> Json:
    """The object with its deletion marks and the finalizers that the policy asks for."""
    before = current["metadata"]
    metadata = {**before, "deletionGracePeriodSeconds": grace}
    if not before.get("deletionTimestamp") or kind is PODS:
        metadata["deletionTimestamp"] = timestamp(store.now() + grace)
    if finalizers := _finalizers(kind, before.get("finalizers") or [], options):
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
    ending = {**current, "metadata": metadata}
    if kind.plural == "namespaces":
        metadata.pop("deletionGracePeriodSeconds")
        ending["status"] = {**(current.get("status") or {}), "phase": "Terminating"}
    return ending


def _finalizers(kind: Resource, present: list[str], options: Options) -> list[str]:
    policy = options.propagation
    if not policy:
        policy = "Orphan" if kind.key == "jobs.batch" and ORPHAN in present else ""
    if not policy:
        return present
    kept = [item for item in present if item not in (FOREGROUND, ORPHAN)]
    return kept + {"Foreground": [FOREGROUND], "Orphan": [ORPHAN]}.get(policy, [])


def evict(store: Store, namespace: str, name: str, options: Options) -> Deleted:
    """Delete a pod unless a disruption budget forbids it (429); the budget is charged."""
    pod = store.get(PODS, namespace, name)
    healthy = (pod.get("status") or {}).get("phase") not in (*FINISHED, "Pending")
    if healthy and not pod["metadata"].get("deletionTimestamp"):
        _charge_budget(store, pod, options.dry_run)
    return delete(store, PODS, namespace, name, options)


def _charge_budget(store: Store, pod: Json, dry_run: bool) -> None:
    metadata = pod["metadata"]
    labels = metadata.get("labels") or {}
    for budget in store.list(BUDGETS, metadata["namespace"]):
        if not matches_selector((budget.get("spec") or {}).get("selector"), labels):
            continue
        status = budget.get("status") or {}
        if status.get("disruptionsAllowed", 0) <= 0:
            raise TooManyRequests(
                "Cannot evict pod as it would violate the pod's disruption budget.",
                [_budget_cause(budget, status)],
            )
        if not dry_run:
            charged = {**status, "disruptionsAllowed": status["disruptionsAllowed"] - 1}
            disrupted = {**(status.get("disruptedPods") or {}), metadata["name"]: timestamp(store.now())}
            store.update(
                BUDGETS, {**budget, "status": {**charged, "disruptedPods": disrupted}}, subresource="status"
            )


def _budget_cause(budget: Json, status: Json) -> Cause:
    wanted, found = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
    name = budget["metadata"]["name"]
    text = f"The disruption budget {name} needs {wanted} healthy pods and has {found} currently"
    return Cause("DisruptionBudget", text)
