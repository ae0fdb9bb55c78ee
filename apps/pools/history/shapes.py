"""What the API of the history takes and answers."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from django.core.exceptions import ValidationError
from ninja import Field, Schema

from apps.operations.services import operation_url
from apps.pools.actions import DRAIN_SECONDS
from apps.pools.distribution.shapes import PodMoveOut
from apps.pools.history.costs import Cost
from apps.pools.history.forms import HistoryFilter
from apps.pools.history.selectors import change_of
from apps.pools.history.undo import UndoPlan
from apps.pools.models import Holding
from apps.pools.shapes import Strict
from apps.pools.shares.asking import MINUTES, MOST_MINUTES, Answer

LONGEST_TEXT = 253


class HistoryFilterIn(Schema):
    """The filter of the history page. Times in ISO 8601 (UTC without a zone)."""

    pod: str = Field("", max_length=LONGEST_TEXT)
    business: str = Field("", max_length=63)
    by: str = Field("", max_length=150)
    source: str = Field("", max_length=10)
    since: str = Field("", max_length=40)
    until: str = Field("", max_length=40)

    def form(self) -> HistoryFilter:
        """The same as a form that was read. Raises ValidationError with its fields."""
        form = HistoryFilter(self.dict(exclude={"limit"}))
        if not form.is_valid():
            raise ValidationError({name: list(map(str, words)) for name, words in form.errors.items()})
        return form


class HistoryQuery(HistoryFilterIn):
    """A page of it; `before`: the `id` of the last interval that is known."""

    before: int | None = Field(None, ge=1, le=2**63 - 1)
    limit: int = 100


class HoldingOut(Schema):
    """An interval of the history; `to` is null while it lasts. `change` is what undo takes, "" for none."""

    id: int
    pod: str
    podUid: str
    business: str
    previous: str
    since: datetime
    to: datetime | None
    source: str
    by: str
    reason: str
    change: str
    node: str
    instanceType: str
    gpus: int
    endpointsSwitchedSeconds: float | None


class CostOut(Schema):
    """One business' hours; `amounts` by currency, `withoutPrice` GPU-hours by instance type."""

    business: str
    podHours: float
    gpuHours: float
    amounts: dict[str, Decimal]
    withoutPrice: dict[str, float]


class UndoIn(Strict):
    """Take back a `change` of the history. `force` leaves out what has moved since and answers questions;
    `share` (an exception lasts `minutes`) answers the one about the pool's shares.
    """

    change: str = Field(min_length=1, max_length=64)
    dryRun: bool = False
    force: bool = False
    drain: bool = True
    timeout: int = DRAIN_SECONDS
    share: Literal["", "change", "exception"] = ""
    minutes: int = Field(MINUTES, ge=1, le=MOST_MINUTES)
    reason: str = Field("", max_length=500)

    def answer(self) -> Answer:
        """What is to become of the pool's shares."""
        return Answer(self.share, self.minutes)


class UndoneOut(Schema):
    """The moves back; `operation` makes them, null for a dry run. `blocked`: what has moved since."""

    success: bool = True
    moves: list[PodMoveOut] = []
    blocked: list[str] = []
    questions: list[str] = []
    shareQuestion: str = ""
    operation: int | None = None
    operationUrl: str = ""


def holding_out(holding: Holding) -> HoldingOut:
    """An interval."""
    return HoldingOut(
        id=holding.pk,
        pod=holding.pod_name,
        podUid=holding.pod_uid,
        business=holding.business,
        previous=holding.previous,
        since=holding.from_at,
        to=holding.to_at,
        source=holding.source,
        by=holding.by,
        reason=holding.reason,
        change=change_of(holding),
        node=holding.node,
        instanceType=holding.instance_type,
        gpus=holding.gpus,
        endpointsSwitchedSeconds=holding.intent.switch_seconds if holding.intent else None,
    )


def cost_out(cost: Cost) -> CostOut:
    """A business' costs."""
    amounts = {currency: round(amount, 4) for currency, amount in cost.priced}
    return CostOut(
        business=cost.business,
        podHours=cost.pod_hours,
        gpuHours=cost.gpu_hours,
        amounts=amounts,
        withoutPrice=dict(cost.unpriced),
    )


def undo_out(plan: UndoPlan) -> UndoneOut:
    """A plan that is only told."""
    moves = [PodMoveOut(podName=move.pod, origin=move.origin, business=move.business) for move in plan.moves]
    return UndoneOut(
        moves=moves,
        blocked=list(plan.blocked),
        questions=list(plan.questions),
        shareQuestion=plan.share_question,
    )


def undoing_out(pk: int) -> UndoneOut:
    """What is being done."""
    return UndoneOut(operation=pk, operationUrl=operation_url(pk))
