"""What a distribution would do to the pool as it is now, or why it is refused."""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from hashlib import sha256

import orjson
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.gateways import labels
from apps.gateways.kubernetes import Kubernetes
from apps.pools.distribution.planner import Move, Piece, Unlendable
from apps.pools.distribution.planner import plan as moves_of
from apps.pools.distribution.ratios import Contradiction, targets
from apps.pools.distribution.wanted import BadRatios, Wanted
from apps.pools.handover import rules
from apps.pools.live_view import PodFacts, PoolView, look
from apps.pools.models import Aside, PoolRecord
from apps.pools.refusals import BeingMoved, PoolProblem
from apps.pools.scaling.planning import check_owner
from apps.pools.shares import batches

Counts = Mapping[str, int]


class CannotDistribute(PoolProblem):
    """The pool cannot be shared out now."""

    problem_code = "cannot_distribute"


@dataclass(frozen=True)
class Line:
    """One business in the preview, or the free stock; `named`: the wish speaks of it."""

    business: str
    before: int
    after: int
    named: bool = True

    @property
    def difference(self) -> int:
        """How many pods come, or go (negative)."""
        return self.after - self.before


@dataclass(frozen=True)
class Plan:
    """Moves in their order. `floors` hold meanwhile; `questions` must be answered with `force`; `notes` are
    told. `version` stands for the pool that it was made from and the wish. `strays`: pods that the shares
    would call back, see `shares/batches.py`.
    """

    lines: tuple[Line, ...]
    moves: tuple[Move, ...]
    floors: Counts
    questions: tuple[str, ...]
    notes: tuple[str, ...]
    version: str
    strays: tuple[str, ...] = ()

    @property
    def share_question(self) -> str:
        """What is asked about the pool's shares; empty where they are not concerned."""
        return batches.question(self.strays)

    @property
    def before(self) -> dict[str, int]:
        """Live pods per business now."""
        return {line.business: line.before for line in self.lines}

    @property
    def after(self) -> dict[str, int]:
        """The same when the moves are made."""
        return {line.business: line.after for line in self.lines}


def make(kubernetes: Kubernetes, record: PoolRecord, wanted: Wanted) -> Plan:
    """Plan on what the cluster says. Raises PoolProblem in words, Busy, UnknownPool, GatewayError."""
    view = look(kubernetes, namespace=record.namespace, name=record.name, every_node=True)
    wanted.check(record.name, view.businesses)
    check_owner(record, 0)
    check_calm(view)
    aside = set(Aside.objects.filter(pool=record).values_list("pod_uid", flat=True))
    plan = of_view(view, wanted, aside)
    return replace(plan, strays=batches.straying(kubernetes, record, plan.moves))


def check_calm(view: PoolView) -> None:
    """Every pod must stand where somebody put it, and belong to the pool's current version."""
    if any(pod.alive and not view.live(pod) for pod in view.pods):
        words = _("%(pool)s is rolling out a new version; wait until it is done.")
        raise CannotDistribute(words % {"pool": view.name})
    live = [pod for pod in view.pods if view.live(pod)]
    if not live:
        raise CannotDistribute(_("%(pool)s has no pods to share out.") % {"pool": view.name})
    for pod in live:
        if labels.is_reserved(pod.business) and pod.business != labels.UNASSIGNED:
            words = _("%(pod)s is %(place)s; wait for that or cancel it first.")
            raise BeingMoved(words % {"pod": pod.name, "place": rules.place(pod.business)})


def of_view(view: PoolView, wanted: Wanted, aside: Set[str] = frozenset()) -> Plan:
    """The plan for one moment of a pool. Free pods on closed nodes and those kept `aside` (uids) stay."""
    live = [pod for pod in view.pods if view.live(pod)]
    free = [pod for pod in live if pod.business == labels.UNASSIGNED]
    idle = {pod.uid for pod in free if pod.node in view.draining_nodes or pod.uid in aside}
    ratios, held = wanted.ratios(), Counter(pod.business for pod in live)
    moving = [pod for pod in live if pod.business in ratios.weights and pod.uid not in idle]
    floors = floors_of(wanted, view)
    try:
        mine = Counter(pod.business for pod in moving)
        goal = targets(len(moving), ratios, floors=floors, held=mine)
        moves = moves_of([piece(pod, view) for pod in moving], goal, floors)
    except (Contradiction, Unlendable) as error:
        raise in_words(error) from error
    after = {**held, **goal, labels.UNASSIGNED: goal[labels.UNASSIGNED] + len(idle)}
    return Plan(
        lines=tuple(lines_of(held, after, wanted)),
        moves=tuple(moves),
        floors=floors,
        questions=tuple(questions(view, moves)),
        notes=tuple(notes(len(idle))),
        version=version_of(view, live, wanted, moves),
    )


def piece(pod: PodFacts, view: PoolView) -> Piece:
    """A pod as the planner sees it."""
    return Piece(pod.name, pod.business, pod.ready, pod.node not in view.draining_nodes)


def floors_of(wanted: Wanted, view: PoolView) -> dict[str, int]:
    """The named businesses' floors: as wished, else one Ready pod where there is one. Weight 0: none."""
    named = [name for name, weight in wanted.weights.items() if weight and name != labels.UNASSIGNED]
    return {name: wanted.floors.get(name, min(1, len(view.serving(name)))) for name in named}


def in_words(error: Contradiction | Unlendable) -> PoolProblem:
    """The planner's refusal for people."""
    if isinstance(error, Contradiction):
        words = _("The floors need %(needed)d pods, but there are only %(total)d to share out.")
        return BadRatios(words % {"needed": error.needed, "total": error.total})
    words = _("Too few pods can be lent out: %(pods)s stand on nodes that take no new work (cordoned).")
    return CannotDistribute(words % {"pods": ", ".join(error.pods)})


def lines_of(before: Counts, after: Counts, wanted: Wanted) -> Iterable[Line]:
    """Businesses by name, the free stock last."""
    names = sorted({*before, *after, *wanted.weights} - {labels.UNASSIGNED})
    for name in (*names, labels.UNASSIGNED):
        yield Line(name, before.get(name, 0), after.get(name, 0), name in wanted.weights)


def questions(view: PoolView, moves: Iterable[Move]) -> Iterable[str]:
    """What would harm: a business left without any serving pod, pods lent that do not answer."""
    moves = list(moves)
    leaving, coming = serving_change(moves)
    for name in sorted(leaving):
        if leaving[name] >= len(view.serving(name)) + coming[name]:
            yield _("%(business)s would have no serving pod any more.") % {"business": name}
    ailing = [move.pod for move in moves if not move.ready and move.business != labels.UNASSIGNED]
    if ailing:
        words = ngettext(
            "%(pods)s is lent although it is not Ready.",
            "%(pods)s are lent although they are not Ready.",
            len(ailing),
        )
        yield words % {"pods": ", ".join(ailing)}


def serving_change(moves: Iterable[Move]) -> tuple[Counter[str], Counter[str]]:
    """How many serving pods leave and join each business."""
    ready = [move for move in moves if move.ready]
    leaving = Counter(move.origin for move in ready if move.origin != labels.UNASSIGNED)
    return leaving, Counter(move.business for move in ready)


def notes(idle: int) -> Iterable[str]:
    """What the plan leaves out."""
    if idle:
        words = ngettext(
            "%(count)d free pod is kept aside or stands on a node that takes no new work; it stays free.",
            "%(count)d free pods are kept aside or stand on nodes that take no new work; they stay free.",
            idle,
        )
        yield words % {"count": idle}


def version_of(view: PoolView, live: Iterable[PodFacts], wanted: Wanted, moves: Iterable[Move]) -> str:
    """Short text that differs where a pod, its business, a business service, the wish or the moves differ."""
    basis = {
        "pods": sorted((pod.uid, pod.business) for pod in live),
        "businesses": sorted(view.businesses),
        "weights": sorted((name, float(weight)) for name, weight in wanted.weights.items()),
        "percents": wanted.percents,
        "floors": sorted(wanted.floors.items()),
        "moves": [(move.pod, move.business) for move in moves],
    }
    return sha256(orjson.dumps(basis)).hexdigest()[:24]
