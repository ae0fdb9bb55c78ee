"""Deciding: the pool is read from the cluster, then judged and written down under the pool's lock.

The cluster is never asked while the lock is held. Instead the decision is thrown away and made anew when,
between the reading and the lock, anything was decided or settled that it rests on: about this pod, or about
a pod that the same business was to lose.
"""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.audit import context
from apps.gateways.kubernetes import Kubernetes
from apps.pools.handover import history, observing, records, rules, settling
from apps.pools.handover.wish import Wish
from apps.pools.handover.words import being_moved, moved
from apps.pools.live_view import PodFacts, PoolView, look
from apps.pools.models import Intent, PoolRecord
from apps.pools.models.intent import ABSENT
from apps.pools.refusals import BeingMoved, Moved
from apps.pools.statuses import IntentState, Source

PORTAL = "portal"
ATTEMPTS = 8
PATIENCE = timedelta(seconds=25)


class ReadAgain(Exception):
    """What was read is not what the decision would rest on any more."""


def decide(kubernetes: Kubernetes, record: PoolRecord, wish: Wish) -> tuple[Intent, PodFacts]:
    """Write a wish down as an intent. Returns it and the pod as read; raises PoolProblem, GatewayError."""
    for _attempt in range(ATTEMPTS):
        seen = PoolRecord.objects.values_list("moves", flat=True).get(pk=record.pk)
        view = look(kubernetes, namespace=record.namespace, name=record.name, node_of=wish.pod)
        pod = rules.find(wish, view)
        clear_the_way(kubernetes, record, pod)
        try:
            return write_intent(record, wish, view, pod, seen), pod
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


def write_intent(record: PoolRecord, wish: Wish, view: PoolView, pod: PodFacts, seen: int) -> Intent:
    """Judge under the lock and insert the intent; ReadAgain when `view` is older than a decision it rests
    on.
    """
    with transaction.atomic():
        locked = records.lock(record.pk)
        if locked.moves != seen and touched(locked, pod, seen):
            raise ReadAgain
        pending = Intent.objects.filter(pool=locked, state=IntentState.OPEN)
        mine = pending.filter(pod_uid=pod.uid).first()
        if mine:
            raise BeingMoved(being_moved(mine))
        account_for(locked, pod)
        if wish.origin is not None and wish.origin != pod.business:
            raise Moved(moved(locked, pod))
        rules.check_wish(wish, view, pod)
        leaving = set(pending.filter(origin=pod.business).values_list("pod_uid", flat=True))
        rules.check_harm(wish, view, pod, leaving)
        return insert(locked, wish, pod)


def touched(record: PoolRecord, pod: PodFacts, seen: int) -> bool:
    """Whether a decision since `seen` concerns this pod or one that leaves or left its business."""
    about = Q(pod_uid=pod.uid) | Q(origin=pod.business)
    return Intent.objects.filter(about, pool=record, serial__gt=seen).exists()


def account_for(record: PoolRecord, pod: PodFacts) -> None:
    """Write down what happened to the pod unseen, so that the history has no gap before this change.

    ReadAgain when the history knows something newer than what was read.
    """
    if not pod.alive:
        return
    observing.fit(record, pod, fresh=True)
    holding = history.current(record, pod.uid)
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
        actor_name=now.actor_name or PORTAL,
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
