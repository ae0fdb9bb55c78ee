"""What the API of distributions takes and answers."""

from typing import Annotated, Any, Literal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from ninja import Field, Schema

from apps.operations.services import operation_url
from apps.pools.actions import DRAIN_SECONDS
from apps.pools.distribution.actions import Begun, How, token
from apps.pools.distribution.plan import Plan
from apps.pools.distribution.wanted import MOST, Wanted
from apps.pools.shapes import Name, Strict, Tag
from apps.pools.shares.asking import MINUTES, MOST_MINUTES, Answer

Part = Annotated[float, Field(ge=0, le=MOST, allow_inf_nan=False)]


class DistributeIn(Strict):
    """Who gets which part: weights, or with `percents` percents of which the rest stays free. Businesses that
    are not named keep their pods. `floors`: fewest serving pods. `dryRun` only tells the plan; `plan` refuses
    when the pool is not the one that the named plan was made from. `force` answers a plan's questions,
    `share` (an exception lasts `minutes`) the one about the pool's shares.
    """

    ratios: dict[Tag, Part] = Field(max_length=200)
    percents: bool = False
    floors: dict[Tag, Annotated[int, Field(ge=0, le=MOST)]] = Field({}, max_length=200)
    dryRun: bool = False
    plan: str = Field("", max_length=100)
    force: bool = False
    drain: bool = True
    timeout: int = DRAIN_SECONDS
    share: Literal["", "change", "exception"] = ""
    minutes: int = Field(MINUTES, ge=1, le=MOST_MINUTES)
    reason: str = Field("", max_length=500)

    def wanted(self) -> Wanted:
        """The parts."""
        return Wanted(self.ratios, percents=self.percents, floors=self.floors)

    def how(self) -> How:
        """How it is to be done."""
        said = Answer(self.share, self.minutes)
        return How(plan=self.plan, force=self.force, drain=self.drain, timeout=self.timeout, share=said)


class FlatDistributeIn(DistributeIn):
    """The same in the earlier panel's words; `deploymentName` is the pool."""

    deploymentName: Name


class PodMoveOut(Schema):
    """One pod's move."""

    podName: str
    origin: str = Field(serialization_alias="from")
    business: str = Field(serialization_alias="to")


class DistributedOut(Schema):
    """A plan; `operation` carries it out, null for a dry run and where nothing has to move. `share` answers
    the `shareQuestion`, where there is one.
    """

    success: bool = True
    message: str
    moves: list[PodMoveOut]
    before: dict[str, int]
    after: dict[str, int]
    questions: list[str]
    shareQuestion: str
    notes: list[str]
    plan: str
    dryRun: bool
    operation: int | None = None
    operationUrl: str = ""


def plan_out(plan: Plan) -> DistributedOut:
    """A plan that is only told."""
    return DistributedOut(**fields(plan), dryRun=True)


def begun_out(begun: Begun) -> DistributedOut:
    """A plan that is being carried out."""
    pk = begun.operation.pk if begun.operation else None
    return DistributedOut(
        **fields(begun.plan), dryRun=False, operation=pk, operationUrl=operation_url(pk) if pk else ""
    )


def fields(plan: Plan) -> dict[str, Any]:
    """What both tell."""
    words = ngettext("%(count)d pod moves.", "%(count)d pods move.", len(plan.moves))
    return {
        "message": words % {"count": len(plan.moves)}
        if plan.moves
        else _("It is shared out like that already."),
        "moves": [
            PodMoveOut(podName=move.pod, origin=move.origin, business=move.business) for move in plan.moves
        ],
        "before": plan.before,
        "after": plan.after,
        "questions": list(plan.questions),
        "shareQuestion": plan.share_question,
        "notes": list(plan.notes),
        "plan": token(plan),
    }
