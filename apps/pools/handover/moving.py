"""A whole change of hands, in the order that makes it safe."""

import structlog
from django.utils.translation import gettext as _

from apps.gateways.errors import GatewayError, NotFound, PatchRefused
from apps.gateways.kubernetes import Kubernetes
from apps.pools.handover import patch, settling, switching
from apps.pools.handover.decide import Reading, decide
from apps.pools.handover.wish import Wish
from apps.pools.live_view import PodFacts, facts
from apps.pools.models import Intent, PoolRecord
from apps.pools.refusals import Moved, NotTaken, Unsettled
from apps.pools.statuses import IntentState

logger = structlog.get_logger(__name__)
SENDS = 2


def change_hands(
    kubernetes: Kubernetes, record: PoolRecord, wish: Wish, known: Reading | None = None
) -> Intent:
    """Move a pod to a business, at once. Returns the settled intent. `known`: see `decide`.

    Raises PoolProblem with the reason when it did not move, Unsettled when that is not known yet (the intent
    stays open, and the recovery sweep settles it), GatewayError when the cluster refused or could not be
    read before.
    """
    intent, pod = decide(kubernetes, record, wish, known)
    return conclude(kubernetes, intent, pod)


def conclude(kubernetes: Kubernetes, intent: Intent, pod: PodFacts) -> Intent:
    """Patch and settle an intent that was written down."""
    taken = send(kubernetes, intent, pod)
    try:
        if taken is not None:
            settled = settling.close(intent, settling.Outcome(IntentState.DONE), taken)
        else:
            settled = settling.settle(intent.pk, kubernetes, final=True)
    except GatewayError as error:
        logger.warning("intent_unsettled", intent=str(intent.pk), pod=intent.pod_name, error=error.message)
        raise Unsettled(intent.pod_name) from error
    switching.follow(settled)
    return answer(settled)


def send(kubernetes: Kubernetes, intent: Intent, pod: PodFacts) -> PodFacts | None:
    """Send the patch; the pod as it is then, or None when the cluster refused it or did not say.

    Sent again after a lost answer: it compares first, so twice does no harm.
    """
    operations = patch.change(intent, pod)
    for _attempt in range(SENDS):
        try:
            return facts(kubernetes.patch_json("pods", pod.name, operations, namespace=pod.namespace))
        except (PatchRefused, NotFound):
            return None
        except GatewayError as error:
            if not (error.retryable or error.maybe_done):
                settling.close(intent, settling.Outcome(IntentState.FAILED, error.message), None)
                raise
            logger.info("intent_answer_lost", intent=str(intent.pk), error=error.message)
    return None


def answer(intent: Intent) -> Intent:
    """The done intent, or its refusal raised."""
    if intent.state == IntentState.DONE:
        return intent
    if intent.state == IntentState.REFUSED:
        raise Moved(intent.message)
    if intent.open:
        raise Unsettled(intent.pod_name)
    raise NotTaken(intent.message or _("The cluster did not take the change."))
