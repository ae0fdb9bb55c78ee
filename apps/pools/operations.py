"""Long work on pools: drained moves, the end of a business, the end of a pool; and the recovery sweep."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.clusters.connections import connect
from apps.gateways import labels
from apps.gateways.errors import GatewayError
from apps.gateways.kubernetes import Kubernetes
from apps.operations.control import OperationFailed
from apps.operations.periodic import periodic
from apps.operations.registry import runner
from apps.operations.run import Run, Seen
from apps.pools import business, draining, removal
from apps.pools.handover.moving import change_hands
from apps.pools.handover.putting_back import put_back
from apps.pools.handover.settling import settle
from apps.pools.handover.sweep import sweep
from apps.pools.handover.wish import Wish
from apps.pools.models import Intent, PoolRecord
from apps.pools.refusals import PoolProblem
from apps.pools.statuses import IntentState

LATE = 120.0
"""Seconds after a drain's own timeout in which the cluster may be unreachable before the drain is given up.
"""

periodic("pools.recovery sweep", every=10)(sweep)


@runner("Move pod, drained")
def drain_move(
    run: Run,
    *,
    pool_id: int,
    pod: str,
    origin: str,
    business: str,
    timeout: int,
    force: bool = False,
    batch: str = "",
) -> None:
    """Take the pod out of service, wait until its requests have ended, then lend it to the business."""
    record = PoolRecord.objects.get(pk=pool_id)
    kubernetes = connect(record.cluster_id).kubernetes
    wish = Wish(
        pod=pod,
        origin=origin,
        business=labels.DRAINING,
        goal=business,
        force=force,
        internal=True,
        batch=batch,
        operation_id=str(run.pk),
    )
    try:
        take_out(run, kubernetes, record, wish)
        wait_idle(run, kubernetes, [pod], timeout)
        hand_over(run, kubernetes, record, pod, business, batch=batch)
    except (PoolProblem, GatewayError, OperationFailed) as error:
        give_back(run, kubernetes)
        raise OperationFailed(str(error)) from error


@drain_move.on_cancel
def cancel_drain(
    run: Run,
    *,
    pool_id: int,
    pod: str,
    origin: str,
    business: str,
    timeout: int,
    force: bool = False,
    batch: str = "",
) -> None:
    """The pod goes back to the business that it came from."""
    give_back(run, connect(PoolRecord.objects.get(pk=pool_id).cluster_id).kubernetes)


@runner("Delete business service")
def end_business(
    run: Run, *, pool_id: int, service: str, uid: str, tag: str, pods: list[str], timeout: int
) -> None:
    """Delete the Service; its pods finish their requests and return to the pool's free stock."""
    record = PoolRecord.objects.get(pk=pool_id)
    kubernetes = connect(record.cluster_id).kubernetes
    found = business.BusinessService(service, uid, tag, "")
    run.once(
        _("Delete the Service"),
        lambda: business.remove(kubernetes, namespace=record.namespace, service=found),
    )
    for pod in pods:
        run.once(_("Take %(pod)s out of service") % {"pod": pod}, partial(leave, run, record, pod, tag))
    wait_idle(run, kubernetes, pods, timeout)
    for pod in pods:
        hand_over(run, kubernetes, record, pod, labels.UNASSIGNED)
    run.result(service=service, freed=pods)


@runner("Delete pool")
def remove_pool(run: Run, *, pool_id: int, uid: str, confirmed: bool) -> None:
    """Delete a pool's business services and its Deployment, and wait until its pods have ended."""
    record = PoolRecord.objects.get(pk=pool_id)
    kubernetes = connect(record.cluster_id).kubernetes
    place = {"namespace": record.namespace, "pool": record.name}
    run.once(
        _("Check that no pod is lent"),
        lambda: removal.check(kubernetes, uid=uid, confirmed=confirmed, **place),
    )
    results = run.once(_("Delete"), lambda: removal.delete(kubernetes, uid=uid, log=run.log, **place))
    run.wait(_("Wait until its pods have ended"), lambda: removal.ended(kubernetes, **place), deadline=900)
    run.once(_("Close its record"), lambda: removal.forget(kubernetes, record))
    run.result(results=results)


def take_out(run: Run, kubernetes: Kubernetes, record: PoolRecord, wish: Wish) -> None:
    """The first change of a drained move, once: to `draining`, which no service selects."""

    def change() -> dict[str, Any]:
        earlier = of_run(run, wish.pod, labels.DRAINING)
        intent = earlier or change_hands(kubernetes, record, wish)
        run.log(_("%(pod)s takes no new requests.") % {"pod": wish.pod})
        return {"intent": str(intent.pk)}

    run.once(_("Take %(pod)s out of service") % {"pod": wish.pod}, change)


def leave(run: Run, record: PoolRecord, pod: str, tag: str) -> dict[str, Any]:
    """The same for a business that ends; a pod that has left it meanwhile is left alone."""
    kubernetes = connect(record.cluster_id).kubernetes
    if earlier := of_run(run, pod, labels.DRAINING):
        return {"intent": str(earlier.pk)}
    wish = Wish(
        pod=pod,
        origin=tag,
        business=labels.DRAINING,
        goal=labels.UNASSIGNED,
        force=True,
        internal=True,
        operation_id=str(run.pk),
    )
    try:
        return {"intent": str(change_hands(kubernetes, record, wish).pk)}
    except PoolProblem as error:
        run.log(str(error))
        return {"intent": ""}


def wait_idle(run: Run, kubernetes: Kubernetes, pods: list[str], timeout: int, title: str = "") -> None:
    """Wait until the pods that this run drains are idle or the time is up. `title` names the step."""

    def look() -> Seen:
        drains = [intent for pod in pods if (intent := of_run(run, pod, labels.DRAINING))]
        limit = timedelta(seconds=timeout)
        sights = [draining.look_at(kubernetes, intent, timeout=limit) for intent in drains]
        words = "; ".join(sight.words for sight in sights if not sight.over) or last_words(sights)
        return Seen(done=all(sight.over for sight in sights), text=words)

    run.wait(title or _("Wait until requests have ended"), look, every=1, deadline=timeout + LATE)


def last_words(sights: list[draining.Sight]) -> str:
    """What is said when nothing is left to wait for."""
    return "; ".join(sight.words for sight in sights)


def hand_over(
    run: Run, kubernetes: Kubernetes, record: PoolRecord, pod: str, goal: str, *, batch: str = ""
) -> None:
    """The second change of a drained move, once: to where the pod is wanted."""

    def change() -> dict[str, Any]:
        drained = of_run(run, pod, labels.DRAINING)
        if drained is None:
            return {"intent": ""}
        earlier = of_run(run, pod, goal)
        wish = Wish(
            pod=pod,
            origin=labels.DRAINING,
            business=goal,
            force=True,
            internal=True,
            batch=batch,
            operation_id=str(run.pk),
        )
        intent = earlier or change_hands(kubernetes, record, wish)
        run.log(_("%(pod)s has changed hands.") % {"pod": pod})
        return {"intent": str(intent.pk)}

    title = _("Free %(pod)s") if goal == labels.UNASSIGNED else _("Lend %(pod)s to %(business)s")
    run.once(title % {"pod": pod, "business": goal}, change)


def give_back(run: Run, kubernetes: Kubernetes) -> None:
    """Everything that this run took out of service and did not hand over goes back."""
    for intent in Intent.objects.filter(operation_id=str(run.pk), business=labels.DRAINING).select_related(
        "pool"
    ):
        known = settle(intent.pk, kubernetes, final=True)
        if known.state == IntentState.DONE and put_back(kubernetes, known):
            run.log(_("%(pod)s is back where it was.") % {"pod": intent.pod_name})


def of_run(run: Run, pod: str, business: str) -> Intent | None:
    """A change that an earlier stretch of this run has done already."""
    made = Intent.objects.filter(operation_id=str(run.pk), pod_name=pod, business=business)
    newest = made.exclude(state__in=[IntentState.REFUSED, IntentState.FAILED]).order_by("-serial").first()
    if newest is None:
        return None
    kubernetes = connect(newest.pool.cluster_id).kubernetes
    known = settle(UUID(str(newest.pk)), kubernetes, final=True)
    return known if known.state == IntentState.DONE else None
