"""A person moves a pod of a pool with shares: shall the share change, or is it for a while?"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.audit import context
from apps.gateways import labels
from apps.gateways.kubernetes import Kubernetes
from apps.pools.live_view import PodFacts, pods_of
from apps.pools.models import PoolRecord, ShareException, SharePolicy
from apps.pools.reconciler.sight import look
from apps.pools.refusals import NeedsForce, PoolProblem
from apps.pools.shares import keeping
from apps.pools.shares.following import follow_move
from apps.pools.shares.planning import Shared, surplus

How = Literal["", "change", "exception"]
MINUTES, MOST_MINUTES = 60, 1440
MOVING = timedelta(minutes=2)


@dataclass(frozen=True)
class Answer:
    """What a person said: change the shares, or an exception for so many minutes."""

    how: How = ""
    minutes: int = MINUTES


NO_ANSWER = Answer()


class NeedsShare(NeedsForce):
    """The portal would take the pod back; `details["share"]` has pages ask which of the two it shall be."""

    problem_code = "needs_share"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.details = {**self.details, "share": True}


class BadMinutes(PoolProblem):
    """An exception's time outside of its bounds."""

    problem_status = 422
    problem_code = "invalid"


@contextmanager
def asked(
    kubernetes: Kubernetes, record: PoolRecord, *, pod: str, business: str, answer: Answer
) -> Iterator[None]:
    """Move a pod inside of this block: the portal leaves it alone meanwhile, and afterwards as answered.

    Raises NeedsShare where there is something to answer, BadMinutes, GatewayError.
    """
    check_minutes(answer)
    policy = keeping.policy_of(record)
    found = find(kubernetes, record, pod) if policy and policy.active else None
    if policy is None or found is None or not concerned(policy, found.business, business):
        yield
        return
    if not answer.how and strays(kubernetes, record, policy, found, business):
        raise NeedsShare(question(found, business))
    lasts = timedelta(minutes=answer.minutes) if answer.how == "exception" else MOVING
    by, until = context.current().actor_name, timezone.now() + lasts
    except_pod(record, found, found.business, business, by=by, until=until)
    try:
        yield
    except BaseException:
        forget(record, found)
        raise
    if answer.how == "change":
        follow_move(kubernetes, record, found, business)
    if answer.how != "exception":
        forget(record, found)


def check_minutes(answer: Answer) -> None:
    """Raise BadMinutes out of bounds."""
    if not 1 <= answer.minutes <= MOST_MINUTES:
        raise BadMinutes(_("An exception lasts 1 to 1440 minutes."))


def find(kubernetes: Kubernetes, record: PoolRecord, name: str) -> PodFacts | None:
    """The pod as it is now."""
    pods = pods_of(kubernetes, namespace=record.namespace, pool=record.name)
    return next((pod for pod in pods if pod.name == name), None)


def concerned(policy: SharePolicy, origin: str, business: str) -> bool:
    """Whether a share speaks of either side."""
    return policy.shares.filter(business__in=[origin, business]).exists()


def strays(
    kubernetes: Kubernetes, record: PoolRecord, policy: SharePolicy, pod: PodFacts, business: str
) -> bool:
    """Whether the move leads away from the shares; one that the portal would make itself does not."""
    sight = look(kubernetes, record)
    shared = keeping.assembled(record, policy, list(policy.shares.all()), sight).without_exceptions({pod.uid})
    gains = [rule for rule in shared.rules if rule.business == business and shared.lacks(rule) > 0]
    return not gains or not can_give(shared, pod)


def can_give(shared: Shared, pod: PodFacts) -> bool:
    """Whether the pod's business has more than its share; the stock may always give."""
    return pod.business == labels.UNASSIGNED or surplus(shared, pod) > 0


def question(pod: PodFacts, business: str) -> str:
    """What is asked."""
    words = _(
        "The portal keeps this pool's shares and would take %(pod)s back. Change the shares to what it will"
        " be now, or let %(business)s have it for a while?"
    )
    return words % {"pod": pod.name, "business": business}


def except_pod(
    record: PoolRecord, pod: PodFacts, origin: str, business: str, *, by: str, until: datetime
) -> None:
    """The portal leaves the pod where it goes, until then."""
    kept = {"pod_name": pod.name, "origin": origin, "business": business, "by": by, "until": until}
    ShareException.objects.update_or_create(pool=record, pod_uid=pod.uid, defaults=kept)


def forget(record: PoolRecord, pod: PodFacts) -> None:
    """The portal counts the pod as every other one again."""
    ShareException.objects.filter(pool=record, pod_uid=pod.uid).delete()
