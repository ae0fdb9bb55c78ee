"""settle(id): what became of an intent, written once, whoever asks and however often.

Evidence is the pod itself: its stamp says that our patch applied. Where the pod still is as it was, a patch
may be on its way; then only `final=True` decides, and first makes it impossible (`patch.void`), so that "it
did not move" stays true.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from apps.gateways.errors import NotFound, PatchRefused
from apps.gateways.kubernetes import Kubernetes
from apps.pools.handover import intervals, patch, records
from apps.pools.handover.words import is_stamp, moved
from apps.pools.live_view import PodFacts, read_pod
from apps.pools.models import Holding, Intent
from apps.pools.statuses import IntentState

VOID_ATTEMPTS = 3
LATE_SECONDS = 5


@dataclass(frozen=True)
class Outcome:
    """What became of an intent, with words for people."""

    state: IntentState
    message: str = ""


def settle(intent_id: UUID, kubernetes: Kubernetes, *, final: bool = False) -> Intent:
    """Find out and write down what became of an intent; returns it, still open when that is not known yet.

    `final` says that nobody will send its patch again. Raises GatewayError when the cluster does not answer.
    """
    intent = Intent.objects.select_related("pool").get(pk=intent_id)
    if not intent.open:
        return intent
    for _attempt in range(VOID_ATTEMPTS):
        pod = read_pod(kubernetes, namespace=intent.pool.namespace, name=intent.pod_name)
        outcome = judge(intent, pod)
        if outcome is None and final and pod is not None:
            outcome = make_impossible(intent, pod, kubernetes)
        if outcome:
            return close(intent, outcome, pod)
        if not final:
            return intent
    return intent


def judge(intent: Intent, pod: PodFacts | None) -> Outcome | None:
    """What the pod proves; None when it is still as it was before the patch."""
    if pod is None or pod.uid != intent.pod_uid:
        return Outcome(IntentState.FAILED, _("%(pod)s was deleted.") % {"pod": intent.pod_name})
    if pod.stamp == str(intent.pk):
        return Outcome(IntentState.DONE)
    if pod.stamp == patch.voided(intent):
        return not_taken(intent)
    if pod.business != intent.origin or pod.stamp != intent.expected_stamp:
        return Outcome(IntentState.REFUSED, moved(intent.pool, pod))
    return None


def make_impossible(intent: Intent, pod: PodFacts, kubernetes: Kubernetes) -> Outcome | None:
    """Void the intent in the cluster; None when the pod changed meanwhile and must be looked at again."""
    try:
        kubernetes.patch_json("pods", pod.name, patch.void(intent, pod), namespace=pod.namespace)
    except (PatchRefused, NotFound):
        return None
    return not_taken(intent)


def not_taken(intent: Intent) -> Outcome:
    """The patch never applied and cannot apply any more."""
    words = _("The cluster did not take the change; %(pod)s is where it was.") % {"pod": intent.pod_name}
    return Outcome(IntentState.FAILED, words)


def close(intent: Intent, outcome: Outcome, pod: PodFacts | None) -> Intent:
    """Write the outcome once. Later proof that the patch did apply is still accepted."""
    with transaction.atomic():
        record = records.lock(intent.pool_id)
        row = Intent.objects.select_for_update().get(pk=intent.pk)
        row.pool = record
        proof = outcome.state == IntentState.DONE and row.state != IntentState.DONE
        if not row.open and not proof:
            return row
        row.state, row.message, row.settled_at = outcome.state, outcome.message, timezone.now()
        records.stamp_serial(record, row)
        row.save(update_fields=["state", "message", "settled_at", "serial"])
        if proof and pod is not None:
            write_history(row, pod)
    return row


def write_history(intent: Intent, pod: PodFacts) -> Holding:
    """The one interval of a change that was done; late knowledge takes the time that the cluster noted."""
    late = (timezone.now() - intent.made_at).total_seconds() > LATE_SECONDS
    noted = parse_datetime(pod.written_at) if pod.written_at and pod.business == intent.business else None
    return intervals.turn(intent.pool, pod, intent, at=noted if late else None)


def of_stamp(stamp: str | None) -> Intent | None:
    """The intent that a pod's annotation names, if it is one of ours."""
    if not is_stamp(stamp):
        return None
    return Intent.objects.filter(pk=stamp).select_related("pool").first()
