"""Taking earlier changes back: backwards, and only where nothing has moved since."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.gateways.kubernetes import Kubernetes
from apps.operations.models import Operation
from apps.operations.services import Busy
from apps.operations.statuses import ACTIVE
from apps.pools.distribution.plan import questions
from apps.pools.distribution.planner import Move
from apps.pools.handover import rules
from apps.pools.handover.words import is_stamp, moved
from apps.pools.live_view import PoolView, look
from apps.pools.models import Intent, PoolRecord
from apps.pools.refusals import PoolProblem
from apps.pools.scaling.planning import check_owner
from apps.pools.shares import batches
from apps.pools.statuses import IntentState


class UnknownChange(PoolProblem):
    """The pool's history has no change of that name."""

    problem_status = 404
    problem_code = "unknown_change"


class CannotUndo(PoolProblem):
    """There is nothing left to take back."""

    problem_code = "cannot_undo"


@dataclass(frozen=True)
class UndoPlan:
    """The moves back, the last change first. `blocked`: what has happened to pods since, which stay where
    they are; with `questions` it must be answered with `force`. `strays`: pods that the shares would call
    back.
    """

    change: str
    moves: tuple[Move, ...]
    blocked: tuple[str, ...]
    questions: tuple[str, ...]
    strays: tuple[str, ...] = ()

    @property
    def share_question(self) -> str:
        """What is asked about the pool's shares; empty where they are not concerned."""
        return batches.question(self.strays)


def plan_undo(kubernetes: Kubernetes, record: PoolRecord, change: str) -> UndoPlan:
    """What taking a change back would do now. Raises UnknownChange, CannotUndo, Busy, GatewayError."""
    intents = list(changes(record, change).order_by("serial"))
    if not intents:
        raise UnknownChange(_("The history has no change “%(change)s”.") % {"change": change[:64]})
    check_over(intents)
    check_owner(record, 0)
    view = look(kubernetes, namespace=record.namespace, name=record.name, every_node=True)
    moves, blocked = judged(record, view, intents)
    if not moves:
        raise CannotUndo(" ".join([_("There is nothing to take back."), *blocked]))
    strays = batches.straying(kubernetes, record, moves)
    return UndoPlan(change, tuple(moves), tuple(blocked), tuple(questions(view, moves)), strays)


def changes(record: PoolRecord, change: str) -> QuerySet[Intent, Intent]:
    """The done changes of a batch, of an operation, or the one of an intent's id."""
    name = Q(batch=change) | Q(operation_id=change)
    if is_stamp(change):
        name |= Q(pk=change)
    return (
        Intent.objects.filter(name, pool=record, state=IntentState.DONE) if change else Intent.objects.none()
    )


def check_over(intents: Iterable[Intent]) -> None:
    """Raise Busy while the operation that makes the changes goes on: that one is cancelled, not undone."""
    numbers = {intent.operation_id for intent in intents if intent.operation_id.isdigit()}
    active = Operation.objects.filter(pk__in=numbers, status__in=ACTIVE).first()
    if active:
        raise Busy(active)


def judged(record: PoolRecord, view: PoolView, intents: list[Intent]) -> tuple[list[Move], list[str]]:
    """The moves back, the newest change first, and why other pods stay."""
    firsts = {intent.pod_uid: intent for intent in reversed(intents)}
    lasts = {intent.pod_uid: intent for intent in intents}
    moves, blocked = [], []
    for last in sorted(lasts.values(), key=lambda intent: -intent.serial):
        home = firsts[last.pod_uid].origin
        if home == last.business:
            continue
        if problem := obstacle(record, view, last, home):
            blocked.append(problem)
        else:
            pod = next(pod for pod in view.pods if pod.uid == last.pod_uid)
            moves.append(Move(pod.name, last.business, home, pod.ready))
    return moves, blocked


def obstacle(record: PoolRecord, view: PoolView, last: Intent, home: str) -> str:
    """Why a pod cannot go back to where it was; "" when it can."""
    facts = {"pod": last.pod_name, "business": home}
    pod = next((pod for pod in view.pods if pod.uid == last.pod_uid), None)
    if pod is None or not view.live(pod):
        return _("%(pod)s is gone.") % facts
    if pod.business != last.business or pod.stamp != str(last.pk):
        return moved(record, pod)
    if home != labels.UNASSIGNED and home not in view.businesses:
        return _("%(pod)s was %(place)s, which has no service any more.") % {
            **facts,
            "place": rules.place(home),
        }
    if home != labels.UNASSIGNED and pod.node in view.draining_nodes:
        return _("%(pod)s stands on a node that takes no new work.") % facts
    return ""
