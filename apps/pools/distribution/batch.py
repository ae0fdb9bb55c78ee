"""Carrying out planned moves, whole: free pods first, lent ones drained in waves, all of them or none."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from apps.clusters.connections import connect
from apps.gateways import labels
from apps.gateways.errors import GatewayError
from apps.gateways.kubernetes import Kubernetes
from apps.gateways.kubernetes.pacing import Pace
from apps.operations.control import OperationFailed
from apps.operations.run import Run, Seen
from apps.pools.distribution.planner import Move
from apps.pools.handover.decide import Reading, read
from apps.pools.handover.moving import change_hands
from apps.pools.handover.wish import Wish
from apps.pools.models import Intent, PoolRecord
from apps.pools.operations import of_run, wait_idle
from apps.pools.refusals import PoolProblem, Unsettled
from apps.pools.shares.asking import Answer
from apps.pools.shares.batches import Answered
from apps.pools.statuses import IntentState

CALLS_PER_SECOND, BURST = 40, 40
SLICE = 20
WAVE = 10
PATIENCE = 180.0
_paces: dict[int, Pace] = {}


def gentle(cluster_id: int) -> Kubernetes:
    """The cluster for batches: all of this process together make at most CALLS_PER_SECOND calls."""
    pace = _paces.setdefault(cluster_id, Pace(CALLS_PER_SECOND, burst=BURST))
    return connect(cluster_id).kubernetes.paced(pace)


def plain(moves: Iterable[Move]) -> list[dict[str, Any]]:
    """Moves as an operation's parameter."""
    return [asdict(move) for move in moves]


@dataclass(frozen=True)
class Batch:
    """The moves of one operation. `timeout`: seconds for the requests of a drained pod. `share`: the answer
    about the pool's shares, and the pods that they would call back; operations of earlier versions have none.
    """

    run: Run
    record: PoolRecord
    moves: Sequence[Move]
    floors: Mapping[str, int]
    drain: bool
    timeout: int
    force: bool
    share: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run, params: Mapping[str, Any]) -> "Batch":
        """From the operation's parameters."""
        rest = {key: value for key, value in params.items() if key not in ("pool_id", "moves")}
        record = PoolRecord.objects.select_related("cluster").get(pk=params["pool_id"])
        return cls(run, record, [Move(**move) for move in params["moves"]], **rest)

    @property
    def name(self) -> str:
        """The batch in the history."""
        return f"operation-{self.run.pk}"

    @cached_property
    def kubernetes(self) -> Kubernetes:
        """The cluster, at a batch's pace."""
        return gentle(self.record.cluster_id)

    def drained(self, move: Move) -> bool:
        """Whether a pod has to finish its requests first: it serves somebody."""
        return self.drain and move.ready and move.origin != labels.UNASSIGNED

    def carry_out(self) -> None:
        """Everything, in the order that makes before it breaks. Raises OperationFailed with the reason."""
        self.run.once(_("Check the plan"), self.check)
        at_once = [move for move in self.moves if not self.drained(move)]
        lent = [move for move in self.moves if self.drained(move)]
        if at_once:
            self.all_of(_("Move pods that serve nobody") if self.drain else _("Move the pods"), at_once)
        waves = [lent[start : start + WAVE] for start in range(0, len(lent), WAVE)]
        for number, wave in enumerate(waves, start=1):
            self.wave(wave, _("%(number)d of %(count)d") % {"number": number, "count": len(waves)})
        if self.share.get("how"):
            self.run.once(_("Do as was answered about the shares"), self.answer)

    def answer(self) -> None:
        """The shares change, or these pods are excepted from them."""
        said = Answer(self.share["how"], self.share["minutes"])
        by = self.run.operation.actor_name
        answered = Answered(self.moves, frozenset(self.share["strays"]), said, by)
        answered.take_effect(self.kubernetes, self.record)

    def check(self) -> None:
        """Every pod must be where the plan found it."""
        view = read(self.kubernetes, self.record).view
        for move in self.moves:
            pod = view.pod(move.pod)
            if pod is None or not view.live(pod) or pod.business != move.origin:
                raise OperationFailed(_("%(pod)s is not where the plan found it.") % {"pod": move.pod})

    def wave(self, moves: Sequence[Move], which: str) -> None:
        """Some lent pods: out of service, idle, to whom they go."""
        out = [replace(move, business=labels.DRAINING) for move in moves]
        over = [replace(move, origin=labels.DRAINING) for move in moves]
        goals = {move.pod: move.business for move in moves}
        self.run.once(_("Check the floors (%(which)s)") % {"which": which}, lambda: self.check_floors(moves))
        self.all_of(_("Take pods out of service (%(which)s)") % {"which": which}, out, goals)
        title = _("Wait until requests have ended (%(which)s)") % {"which": which}
        wait_idle(self.run, self.kubernetes, list(goals), self.timeout, title)
        self.all_of(_("Hand pods over (%(which)s)") % {"which": which}, over)

    def check_floors(self, moves: Iterable[Move]) -> None:
        """Pods may have died since the plan was made."""
        view = read(self.kubernetes, self.record).view
        for business, leaving in Counter(move.origin for move in moves).items():
            left, floor = len(view.serving(business)) - leaving, self.floors.get(business, 0)
            if left < floor:
                words = _("%(business)s would have %(left)d serving pods, its floor is %(floor)d.")
                facts = {"business": business, "left": max(0, left), "floor": floor}
                raise OperationFailed(words % facts)

    def all_of(self, title: str, moves: Sequence[Move], goals: Mapping[str, str] | None = None) -> None:
        """Every one of the moves, a few at a time, so that others get their turn and the log says how far."""
        found = self.run.wait(title, lambda: self.some_of(moves, goals or {}), every=0.2, deadline=PATIENCE)
        if found.get("failed"):
            raise OperationFailed(found["failed"])

    def some_of(self, moves: Sequence[Move], goals: Mapping[str, str]) -> Seen:
        """The next SLICE of them."""
        done = self.done()
        left = [move for move in moves if (move.pod, move.business) not in done]
        reading: Reading | None = None
        try:
            for move in left[:SLICE]:
                self.run.checkpoint()
                reading = reading or replace(read(self.kubernetes, self.record, every_node=True), fresh=False)
                self.change(move, goals.get(move.pod, ""), reading)
        except Unsettled as error:
            return Seen(done=False, text=error.message)
        except (PoolProblem, GatewayError) as error:
            if getattr(error, "retryable", False):
                raise
            return Seen(done=True, value={"failed": str(error)})
        moved = len(moves) - max(0, len(left) - SLICE)
        words = _("%(moved)d of %(count)d pods") % {"moved": moved, "count": len(moves)}
        return Seen(done=moved == len(moves), text=words, value={})

    def done(self) -> set[tuple[str, str]]:
        """(pod, business) of the changes that this operation has made."""
        mine = Intent.objects.filter(operation_id=str(self.run.pk), state=IntentState.DONE)
        return set(mine.values_list("pod_name", "business"))

    def change(self, move: Move, goal: str, reading: Reading) -> None:
        """One move, unless an earlier stretch of this run has made it and lost the answer."""
        if of_run(self.run, move.pod, move.business):
            return
        between = labels.DRAINING in (move.origin, move.business)
        wish = Wish(
            pod=move.pod,
            origin=move.origin,
            business=move.business,
            goal=goal,
            force=self.force or move.origin == labels.DRAINING,
            internal=between,
            batch=self.name,
            operation_id=str(self.run.pk),
        )
        change_hands(self.kubernetes, self.record, wish, reading)
