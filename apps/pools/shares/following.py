"""Shares that follow what people moved: numbers and weights become what each business has then."""

from collections import Counter
from collections.abc import Callable, Sequence

from django.db import transaction

from apps.gateways.kubernetes import Kubernetes
from apps.pools.distribution.planner import Move
from apps.pools.handover import records
from apps.pools.live_view import PodFacts
from apps.pools.models import PoolRecord, Share, SharePolicy
from apps.pools.reconciler.sight import look


def follow_move(kubernetes: Kubernetes, record: PoolRecord, pod: PodFacts, business: str) -> None:
    """Counts of both sides move by one; weights become the pods that each will have. Raises GatewayError."""
    held = Counter(item.business for item in look(kubernetes, record).state.live if item.uid != pod.uid)
    held[business] += 1

    def one(share: Share) -> None:
        gained = (share.business == business) - (share.business == pod.business)
        adjust(share, held[share.business], count=(share.count or 0) + gained, loses=gained < 0)

    rewrite(record, one)


def follow_moves(kubernetes: Kubernetes, record: PoolRecord, moves: Sequence[Move]) -> None:
    """After a batch: counts of those that it is about, and all weights, become the pods that each has.

    May be done again. Raises GatewayError.
    """
    held = Counter(pod.business for pod in look(kubernetes, record).state.live)
    gained = Counter(move.business for move in moves)
    gained.subtract(move.origin for move in moves)

    def one(share: Share) -> None:
        now, more = held[share.business], gained[share.business]
        adjust(share, now, count=now if more else share.count or 0, loses=more < 0)

    rewrite(record, one)


def adjust(share: Share, held: int, *, count: int, loses: bool) -> None:
    """One share: `count` where it is a number, else the weight of what it has; none is a count of none."""
    if share.weight is not None:
        share.weight = held or None
        share.count = None if share.weight else 0
    else:
        share.count = max(0, count)
    if loses or share.count is not None:
        share.floor = min(share.floor, held if share.count is None else share.count)


def rewrite(record: PoolRecord, change: Callable[[Share], None]) -> None:
    """Change each share under the pool's lock; who has read the earlier ones is told so when saving."""
    with transaction.atomic():
        records.lock(record.pk)
        policy = SharePolicy.objects.get(pool=record)
        shares = list(policy.shares.all())
        for share in shares:
            change(share)
        Share.objects.bulk_update(shares, ["count", "weight", "floor"])
        SharePolicy.objects.filter(pk=policy.pk).update(version=policy.version + 1)
