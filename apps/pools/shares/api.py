"""The JSON API of shares: `/api/c/<cluster>/pools/<namespace>/<name>/shares`."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema

from apps.clusters import choice
from apps.pools.api import found, seen, target
from apps.pools.selectors import PoolRow
from apps.pools.shapes import Name, Strict, Tag
from apps.pools.shares import actions
from apps.pools.shares.status import SharesStatus, status_of
from apps.pools.shares.wishes import SharesWish, ShareWish
from apps.pools.targets import PodTarget

router = Router(tags=["pools"])
PLACE = "/pools/{namespace}/{name}/shares"


class ShareIn(Strict):
    """A business' part: `count` pods, or a `weight` of what is left; `floor` serving pods in any case."""

    business: Tag
    count: int | None = None
    weight: int | None = None
    floor: int = 0


class SharesIn(Strict):
    """All shares of a pool; times in seconds. `version` of what you read: refused when it changed since."""

    shares: list[ShareIn] = Field(max_length=200)
    dwell: int = 120
    patience: int = 60
    version: int | None = None
    reason: str = Field("", max_length=500)


class SwitchIn(Strict):
    """What is left out stays as it is."""

    enabled: bool | None = None
    paused: bool | None = None


class PodIn(Strict):
    """A pod by name."""

    pod: Name


class ShareOut(Schema):
    """A business; `entitled` is null without a share."""

    business: str
    count: int | None
    weight: int | None
    floor: int
    serving: int
    pods: int
    entitled: int | None
    state: str


class ActOut(Schema):
    """One thing that the portal did by itself."""

    pod: str
    origin: str = Field(serialization_alias="from")
    business: str
    reason: str
    state: str
    at: datetime


class ExceptionOut(Schema):
    """A pod that may be elsewhere for a while."""

    pod: str
    business: str
    by: str
    until: datetime


class AsideOut(Schema):
    """A pod that was replaced and is kept for inspection."""

    pod: str
    business: str
    reason: str
    since: datetime


class SharesOut(Schema):
    """A pool's shares, what is waited for, and what was done."""

    enabled: bool
    paused: bool
    dwell: int
    patience: int
    version: int
    shares: list[ShareOut]
    waits: list[str]
    acts: list[ActOut]
    exceptions: list[ExceptionOut]
    aside: list[AsideOut]


@router.get(PLACE, url_name="pool_shares", response=SharesOut, summary="Shares", by_alias=True)
def shares(request: HttpRequest, cluster: Path[str], namespace: str, name: str) -> SharesOut:
    """Who is entitled to what, and what the portal does about it."""
    return shares_out(found(seen(request, cluster), namespace, name))


@router.put(PLACE, url_name="pool_shares", response=SharesOut, summary="Set shares", by_alias=True)
def set_shares(
    request: HttpRequest, cluster: Path[str], namespace: str, name: str, wish: SharesIn
) -> SharesOut:
    """Replace all shares; businesses that are left out have none."""
    row = seen(request, cluster)
    wanted = [ShareWish(item.business, item.count, item.weight, item.floor) for item in wish.shares]
    actions.set_shares(
        by=choice.person(request),
        pool=target(row, namespace, name),
        wish=SharesWish(wanted, wish.dwell, wish.patience, wish.version),
        reason=wish.reason,
    )
    return shares_out(found(row, namespace, name))


@router.post(
    f"{PLACE}/switch",
    url_name="pool_shares_switch",
    response=SharesOut,
    summary="Switch shares",
    by_alias=True,
)
def switch(request: HttpRequest, cluster: Path[str], namespace: str, name: str, wish: SwitchIn) -> SharesOut:
    """Have the portal keep them, or not."""
    row = seen(request, cluster)
    actions.switch_shares(
        by=choice.person(request),
        pool=target(row, namespace, name),
        enabled=wish.enabled,
        paused=wish.paused,
    )
    return shares_out(found(row, namespace, name))


@router.post(
    f"{PLACE}/end-exception",
    url_name="pool_end_exception",
    response=SharesOut,
    summary="End an exception",
    by_alias=True,
)
def end_exception(
    request: HttpRequest, cluster: Path[str], namespace: str, name: str, wish: PodIn
) -> SharesOut:
    """The pod counts as every other one again."""
    row = seen(request, cluster)
    actions.end_exception(by=choice.person(request), pod=PodTarget(target(row, namespace, name), wish.pod))
    return shares_out(found(row, namespace, name))


@router.post(
    f"{PLACE}/clear-aside",
    url_name="pool_clear_aside",
    response=SharesOut,
    summary="Return a kept pod",
    by_alias=True,
)
def clear_aside(
    request: HttpRequest, cluster: Path[str], namespace: str, name: str, wish: PodIn
) -> SharesOut:
    """A pod that was kept aside may be lent again."""
    row = seen(request, cluster)
    actions.clear_aside(by=choice.person(request), pod=PodTarget(target(row, namespace, name), wish.pod))
    return shares_out(found(row, namespace, name))


def shares_out(pool: PoolRow) -> SharesOut:
    """A pool's shares as JSON."""
    return described(status_of(pool))


def described(status: SharesStatus) -> SharesOut:
    """The status in the API's words."""
    policy = status.policy
    return SharesOut(
        enabled=policy.enabled,
        paused=policy.paused,
        dwell=policy.dwell,
        patience=policy.patience,
        version=policy.version,
        shares=[
            ShareOut(
                business=line.business,
                count=line.rule.count if line.rule else None,
                weight=line.rule.weight if line.rule else None,
                floor=line.rule.floor if line.rule else 0,
                serving=line.serving,
                pods=line.held,
                entitled=line.entitled,
                state=line.state,
            )
            for line in status.lines
        ],
        waits=status.waits,
        acts=[
            ActOut(
                pod=item.pod_name,
                origin=item.origin,
                business=item.business,
                reason=item.reason,
                state=item.state,
                at=item.made_at,
            )
            for item in status.acts
        ],
        exceptions=[
            ExceptionOut(pod=item.pod_name, business=item.business, by=item.by, until=item.until)
            for item in status.exceptions
        ],
        aside=[
            AsideOut(pod=item.pod_name, business=item.business, reason=item.reason, since=item.since)
            for item in status.asides
        ],
    )
