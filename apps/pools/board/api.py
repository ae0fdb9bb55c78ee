"""Moves of several pods, and the load of a pool, in the JSON API."""

from collections.abc import Mapping
from typing import Literal

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema, Status

from apps.clusters import choice
from apps.pools.actions import DRAIN_SECONDS, LONGEST, SHORTEST
from apps.pools.api import found, seen, target
from apps.pools.board.columns import columns
from apps.pools.board.moving import MOST, Moves, Wanted, move_pods
from apps.pools.lines import pod_lines
from apps.pools.load.plots import Plot, plot_of, plot_together
from apps.pools.shapes import Name, Strict, Tag
from apps.pools.shares.asking import MINUTES, MOST_MINUTES, Answer

router = Router(tags=["pools"])
PLACE = "/pools/{namespace}/{name}"


class PodIn(Strict):
    """A pod; `from` is what you saw it lent to."""

    name: Name
    origin: Tag | None = Field(None, alias="from")


class MovesIn(Strict):
    """Pods to a business or to `unassigned`. `how`: `auto` drains those with requests in hand; times in
    seconds. `share`: what becomes of the pool's shares where the move leads away from them.
    """

    pods: list[PodIn] = Field(min_length=1, max_length=MOST)
    business: Tag
    how: Literal["auto", "now", "drained"] = "auto"
    timeout: int = Field(DRAIN_SECONDS, ge=SHORTEST, le=LONGEST)
    force: bool = False
    share: Literal["", "change", "exception"] = ""
    minutes: int = Field(MINUTES, ge=1, le=MOST_MINUTES)
    reason: str = Field("", max_length=500)


class OutcomeOut(Schema):
    """One pod: `state` is `done`, `draining` (by `operation`) or `refused`. It `ask`s where `force` or
    `share` would answer.
    """

    pod: str
    state: str
    words: str
    code: str
    ask: bool
    operation: int | None


class MovesOut(Schema):
    """What became of a batch; `success` when at least one pod moves."""

    success: bool
    batch: str
    moves: list[OutcomeOut]


class LoadOut(Schema):
    """Requests and tokens a second of a pod or business now; cache in percent, first token in ms."""

    name: str
    running: int
    waiting: int
    tokensPerSecond: int
    cachePercent: int | None
    firstTokenMs: int | None


class PoolLoadOut(Schema):
    """Those whose engines tell anything."""

    businesses: list[LoadOut]
    pods: list[LoadOut]


@router.post(
    f"{PLACE}/moves",
    url_name="pool_moves",
    response={200: MovesOut, 409: MovesOut},
    summary="Lend several pods",
)
def moves(
    request: HttpRequest, cluster: Path[str], namespace: str, name: str, wish: MovesIn
) -> Status[MovesOut]:
    """Move pods as one batch; each has its own answer. 409 when none of them moves."""
    place = target(seen(request, cluster), namespace, name)
    wanted = Wanted(
        pods=[(pod.name, pod.origin) for pod in wish.pods],
        business=wish.business,
        how=wish.how,
        timeout=wish.timeout,
        force=wish.force,
        reason=wish.reason,
        share=Answer(wish.share, wish.minutes),
    )
    done = move_pods(by=choice.person(request), pool=place, wanted=wanted)
    return Status(200 if done.any_done else 409, moves_out(done))


@router.get(f"{PLACE}/load", url_name="pool_load", response=PoolLoadOut, summary="How busy its pods are")
def load(request: HttpRequest, cluster: Path[str], namespace: str, name: str) -> PoolLoadOut:
    """The newest numbers of the engines, asked every ten seconds."""
    pool = found(seen(request, cluster), namespace, name)
    lines = pod_lines(pool)
    shared = {
        column.business: plot_together(
            line.load for line in lines if line.pod.live and line.pod.facts.business == column.business
        )
        for column in columns(pool)
    }
    alone = {line.pod.name: plot_of(line.load) for line in lines}
    return PoolLoadOut(businesses=loads_out(shared), pods=loads_out(alone))


def moves_out(done: Moves) -> MovesOut:
    """A batch as JSON."""
    outcomes = [OutcomeOut.model_validate(outcome, from_attributes=True) for outcome in done.outcomes]
    return MovesOut(success=done.any_done, batch=done.batch, moves=outcomes)


def loads_out(plots: Mapping[str, Plot | None]) -> list[LoadOut]:
    """Plots as JSON, by name."""
    return [
        LoadOut(
            name=name,
            running=plot.running,
            waiting=plot.waiting,
            tokensPerSecond=plot.tokens,
            cachePercent=plot.cache,
            firstTokenMs=plot.first,
        )
        for name, plot in plots.items()
        if plot
    ]
