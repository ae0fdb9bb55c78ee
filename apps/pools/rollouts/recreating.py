"""Rollouts by the strategy Recreate: every old pod ends before a new one is made, so no look sees both.

They are known by what they left: several lent pods of an earlier version that ended just before the newest
ReplicaSet was made. What their businesses had is then restored like that of any other rollout.
"""

from collections import Counter
from datetime import datetime, timedelta

from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils.dateparse import parse_datetime

from apps.gateways import labels
from apps.pools.models import Holding, PoolRecord, Rollout
from apps.pools.reconciler.sight import Sight

TOGETHER = timedelta(seconds=30)
"""Within so much time all pods of a version are told to end, and are seen to."""
ROOM = timedelta(minutes=2)
"""Beyond the pods' own grace, from their end to the next version."""
GRACE = 30


def had_before(record: PoolRecord, sight: Sight) -> dict[str, int]:
    """Pods per business that the newest version owes them; {} where another strategy or look saw to it."""
    newest, strategy = sight.state.newest, sight.state.deployment["spec"].get("strategy") or {}
    made = parse_datetime(newest["metadata"].get("creationTimestamp") or "") if newest else None
    if strategy.get("type") != "Recreate" or newest is None or made is None or len(sight.state.sets) < 2:
        return {}
    if Rollout.objects.filter(Q(started_at__gte=made) | Q(ended_at__gte=made), pool=record).exists():
        return {}
    return owed(record, str(newest["metadata"]["name"]), since=made - grace(sight) - ROOM)


def owed(record: PoolRecord, version: str, *, since: datetime) -> dict[str, int]:
    """Pods per business that ended together while they were lent, the last ones before this version's."""
    ended = last_intervals(record).exclude(pod_name__startswith=f"{version}-").filter(to_at__gte=since)
    newest = ended.aggregate(end=Max("to_at"))["end"]
    if newest is None:
        return {}
    rows = ended.filter(to_at__gte=newest - TOGETHER).select_related("intent")
    places = [row.intent.goal if row.intent and row.intent.goal else row.business for row in rows]
    return dict(Counter(place for place in places if place and not labels.is_reserved(place)))


def last_intervals(record: PoolRecord) -> QuerySet[Holding]:
    """The last interval of each pod that is gone."""
    later = Holding.objects.filter(pool=record, pod_uid=OuterRef("pod_uid"), version__gt=OuterRef("version"))
    return Holding.objects.filter(~Exists(later), pool=record, to_at__isnull=False)


def grace(sight: Sight) -> timedelta:
    """What the pods have for their last requests."""
    spec = sight.state.deployment["spec"]["template"]["spec"]
    return timedelta(seconds=int(spec.get("terminationGracePeriodSeconds") or GRACE))
