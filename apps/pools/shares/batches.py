"""Many pods move in one operation on a pool with shares: the same question as for one pod.

The reconciler leaves the pool alone while the operation is at work, so the answer takes effect in its last
step: where everything is taken back, the shares are what they were.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.gateways import labels
from apps.gateways.kubernetes import Kubernetes
from apps.pools.distribution.planner import Move
from apps.pools.models import PoolRecord
from apps.pools.reconciler.sight import look
from apps.pools.shares import keeping
from apps.pools.shares.asking import Answer, NeedsShare, check_minutes, except_pod
from apps.pools.shares.following import follow_moves
from apps.pools.shares.planning import Shared


def straying(kubernetes: Kubernetes, record: PoolRecord, moves: Sequence[Move]) -> tuple[str, ...]:
    """The pods that the portal would take back, by name. Raises UnknownPool, GatewayError."""
    policy = keeping.policy_of(record)
    if policy is None or not policy.active or not moves:
        return ()
    shared = keeping.assembled(record, policy, list(policy.shares.all()), look(kubernetes, record))
    return tuple(move.pod for move in away(shared, moves))


def away(shared: Shared, moves: Iterable[Move]) -> Iterator[Move]:
    """The moves that the portal would not make itself, made in this order; those that no share speaks of are
    nobody's concern.
    """
    moves = list(moves)
    names = {move.pod for move in moves}
    shared = shared.without_exceptions({pod.uid for pod in shared.pods if pod.name in names})
    lacks = Counter({rule.business: shared.lacks(rule) for rule in shared.rules})
    known = set(lacks)
    for move in moves:
        if known.isdisjoint({move.origin, move.business}):
            continue
        if lacks[move.business] > 0 and (move.origin == labels.UNASSIGNED or lacks[move.origin] < 0):
            lacks.update({move.business: -1, move.origin: 1})
        else:
            yield move


def question(strays: Sequence[str]) -> str:
    """What is asked about these pods; empty for none."""
    if not strays:
        return ""
    words = ngettext(
        "The portal keeps this pool's shares and would take %(count)d pod back.",
        "The portal keeps this pool's shares and would take %(count)d pods back.",
        len(strays),
    )
    asked = _("Change the shares to what it will be then, or let it be so for a while?")
    return f"{words % {'count': len(strays)}} {asked}"


def check_answer(strays: Sequence[str], answer: Answer) -> None:
    """Raise NeedsShare where there is something to answer, BadMinutes."""
    check_minutes(answer)
    if strays and not answer.how:
        raise NeedsShare(question(strays))


@dataclass(frozen=True)
class Answered:
    """What was said of a batch, and the pods (`strays`) that it was said about; `by` whom."""

    moves: Sequence[Move]
    strays: frozenset[str]
    answer: Answer
    by: str

    def take_effect(self, kubernetes: Kubernetes, record: PoolRecord) -> None:
        """Do so, now that the pods have moved; may be done again. Raises GatewayError."""
        if self.answer.how == "change" and keeping.policy_of(record):
            follow_moves(kubernetes, record, self.moves)
        if self.answer.how == "exception":
            self.except_pods(kubernetes, record)

    def except_pods(self, kubernetes: Kubernetes, record: PoolRecord) -> None:
        """The portal leaves these pods where they are, for so long."""
        live = {pod.name: pod for pod in look(kubernetes, record).state.live}
        until = timezone.now() + timedelta(minutes=self.answer.minutes)
        for move in self.moves:
            if move.pod in self.strays and move.pod in live:
                except_pod(record, live[move.pod], move.origin, move.business, by=self.by, until=until)
