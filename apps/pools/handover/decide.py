"""Deciding: the pool is read from the cluster, then judged and written down under the pool's lock.

The cluster is never asked while the lock is held. Instead the decision is thrown away and made anew when,
between the reading and the lock, anything was decided or settled that it rests on: about this pod, or about
a pod that the same business was to lose.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.audit import context
from apps.gateways import labels
from apps.gateways.kubernetes import Kubernetes
from apps.pools.handover import intervals, observing, records, rules, settling
from apps.pools.handover.wish import Wish
from apps.pools.handover.words import being_moved, moved
from apps.pools.live_view import PodFacts, PoolView, look
from apps.pools.models import Intent, PoolRecord
from apps.pools.models.intent import ABSENT
from apps.pools.refusals import BeingMoved, Moved, Outdated
from apps.pools.statuses import IntentState, Source

PORTAL = "portal"
ATTEMPTS = 8
PATIENCE = timedelta(seconds=25)


class ReadAgain(Exception):
    """What was read is not what the decision would rest on any more."""


@dataclass(frozen=True)
class Reading:
    """A pool as read from the cluster, and how much had been decided about it before.

    `fresh`: read for this one decision. A batch decides on one reading for a second or so, in which a pod
    may have ended.
    """

    view: PoolView
    moves: int
    fresh: bool = True


def read(
    kubernetes: Kubernetes, record: PoolRecord, *, node_of: str = "", every_node: bool = False
) -> Reading:
    """Read a pool, to decide on it. Raises UnknownPool, GatewayError."""
    moves = PoolRecord.objects.values_list("moves", flat=True).get(pk=record.pk)
    place = {"namespace": record.namespace, "name": record.name}
    return Reading(look(kubernetes, **place, node_of=node_of, every_node=every_node), moves)


def decide(
    kubernetes: Kubernetes, record: PoolRecord, wish: Wish, known: Reading | None = None
) -> tuple[Intent, PodFacts]:
    """Write a wish down as an intent. Returns it and the pod as read; raises PoolProblem, GatewayError.

    `known` is a reading with every node, of which a batch uses one for all of its moves that it fits.
    """
    for _attempt in range(ATTEMPTS):
        reading = known or read(kubernetes, record, node_of=wish.pod)
        known = None
        pod = rules.find(wish, reading.view)
        clear_the_way(kubernetes, record, pod)
        try:
            return write_intent(record, wish, reading, pod), pod
        except (ReadAgain, IntegrityError):
            continue
    raise BeingMoved(_("The pool is changing quickly; try again in a moment."))


def clear_the_way(kubernetes: Kubernetes, record: PoolRecord, pod: PodFacts) -> None:
    """Settle a change of this pod that is still open but whose outcome can be known."""
    pending = Intent.objects.filter(pool=record, pod_uid=pod.uid, state=IntentState.OPEN).first()
    if pending:
        settling.settle(pending.pk, kubernetes, final=overdue(pending))


def overdue(intent: Intent) -> bool:
    """Whether whoever made the intent must have stopped trying by now."""
    return timezone.now() - intent.made_at > PATIENCE


def write_intent(record: PoolRecord, wish: Wish, reading: Reading, pod: PodFacts) -> Intent:
    """Judge under the lock and insert the intent; ReadAgain when the reading is older than a decision it
    rests on.
    """
    with transaction.atomic():
        locked = records.lock(record.pk)
        if locked.moves != reading.moves and touched(locked, pod, reading.moves):
            raise ReadAgain
        check_basis(locked, wish)
        pending = Intent.objects.filter(pool=locked, state=IntentState.OPEN)
        mine = pending.filter(pod_uid=pod.uid).first()
        if mine:
            raise BeingMoved(being_moved(mine))
        account_for(locked, pod, fresh=reading.fresh)
        if wish.origin is not None and wish.origin != pod.business:
            raise Moved(moved(locked, pod))
        rules.check_wish(wish, reading.view, pod)
        leaving = set(pending.filter(origin=pod.business).values_list("pod_uid", flat=True))
        rules.check_harm(wish, reading.view, pod, leaving)
        return insert(locked, wish, pod)


def touched(record: PoolRecord, pod: PodFacts, seen: int) -> bool:
    """Whether a decision since `seen` concerns this pod or one that leaves or left its business."""
    about = Q(pod_uid=pod.uid)
    if not labels.is_reserved(pod.business):  # how many are left counts for a business only
        about |= Q(origin=pod.business)
    return Intent.objects.filter(about, pool=record, serial__gt=seen).exists()


def check_basis(record: PoolRecord, wish: Wish) -> None:
    """Raise Outdated when the plan behind the wish does not know the newest decision or outcome."""
    if wish.basis is not None and Intent.objects.filter(pool=record, serial__gt=wish.basis).exists():
        raise Outdated(_("The pool changed while this was planned."))


def account_for(record: PoolRecord, pod: PodFacts, *, fresh: bool) -> None:
    """Write down what happened to the pod unseen, so that the history has no gap before this change.

    ReadAgain when the history knows something newer than what was read.
    """
    if not pod.alive:
        return
    observing.fit(record, pod, fresh=fresh)
    holding = intervals.current(record, pod.uid)
    if holding is None or holding.business != pod.business:
        raise ReadAgain


def insert(record: PoolRecord, wish: Wish, pod: PodFacts) -> Intent:
    """The intent's row, by whoever the audit context says."""
    now = context.current()
    intent = Intent(
        pool=record,
        pod_uid=pod.uid,
        pod_name=pod.name,
        origin=pod.business,
        business=wish.business,
        goal=wish.goal,
        stamp=ABSENT if pod.stamp is None else pod.stamp,
        source=wish.source,
        actor_id=now.actor_id if wish.source == Source.PORTAL else None,
        actor_name=wish.by or now.actor_name or PORTAL,
        reason=wish.reason or now.reason,
        batch=wish.batch,
        operation_id=wish.operation_id or now.operation_id,
    )
    records.stamp_serial(record, intent)
    intent.save(force_insert=True)
    return intent


def rehearse(kubernetes: Kubernetes, record: PoolRecord, wish: Wish) -> PodFacts:
    """Judge a wish without writing anything. Returns the pod; raises PoolProblem or GatewayError."""
    view = look(kubernetes, namespace=record.namespace, name=record.name, node_of=wish.pod)
    pod = rules.find(wish, view)
    clear_the_way(kubernetes, record, pod)
    pending = Intent.objects.filter(pool=record, state=IntentState.OPEN)
    if mine := pending.filter(pod_uid=pod.uid).first():
        raise BeingMoved(being_moved(mine))
    if wish.origin is not None and wish.origin != pod.business:
        raise Moved(moved(record, pod))
    rules.check_wish(wish, view, pod)
    leaving = set(pending.filter(origin=pod.business).values_list("pod_uid", flat=True))
    rules.check_harm(wish, view, pod, leaving)
    return pod
