"""Following a rollout: its row begins with what each business had, and ends when no old pod is left."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.gateways import labels
from apps.operations.models import Operation
from apps.operations.statuses import ACTIVE
from apps.pools.handover import observing, records
from apps.pools.handover.observing import Shown
from apps.pools.models import Holding, Intent, PoolRecord, Rollout
from apps.pools.reconciler.sight import Sight
from apps.pools.rollouts import recreating
from apps.pools.statuses import Source


def active(record: PoolRecord) -> Rollout | None:
    """The rollout that is under way."""
    return Rollout.objects.filter(pool=record, ended_at=None).first()


def follow(record: PoolRecord, sight: Sight) -> Rollout | None:
    """The rollout under way, after noticing one that somebody else began."""
    if under_way := active(record):
        return under_way
    return begin_found(record, sight) if sight.old else begin_recreated(record, sight)


def begin_recreated(record: PoolRecord, sight: Sight) -> Rollout | None:
    """The same for one by the strategy Recreate, which nobody could see under way."""
    owed = recreating.had_before(record, sight)
    if not owed:
        return None
    before = str(sight.state.sets[-2]["metadata"]["uid"])
    return begin(record, wanted=owed, source=Source.EXTERNAL, by=template_writer(sight), before=before)


def begin_found(record: PoolRecord, sight: Sight) -> Rollout:
    """Write down a rollout that was begun outside: what each business had then is told by the history, and
    where that does not reach so far back, by what it says now.
    """
    born = first_birth(sight)
    known = born is not None and Holding.objects.filter(pool=record, from_at__lte=born).exists()
    return begin_told(
        record,
        sight,
        since=born if known else None,
        source=Source.EXTERNAL,
        by=template_writer(sight),
        before=str(sight.state.sets[-2]["metadata"]["uid"]),
    )


def begin_told(record: PoolRecord, sight: Sight, *, since: datetime | None = None, **more: Any) -> Rollout:
    """Begin with what each business had `since` (default: now), after the history was shown every pod."""
    tell(record, sight)
    with transaction.atomic():
        locked = records.lock(record.pk)
        wanted = had(locked, since, [pod.uid for pod in sight.old]) if since else has(locked, sight)
        return begin(record, wanted=wanted, started_at=since or timezone.now(), **more)


def tell(record: PoolRecord, sight: Sight) -> None:
    """Show the history what was seen: of pods that nobody looked at yet it knows nothing."""
    shown = Shown(moments=list(sight.state.pods))
    observing.write_down(record.cluster_id, {(record.namespace, record.name): shown})


def begin(record: PoolRecord, *, wanted: dict[str, int], source: Source, **more: object) -> Rollout:
    """The row; two who notice it at once get the same one."""
    with transaction.atomic():
        locked = records.lock(record.pk)
        made = active(locked) or Rollout.objects.create(pool=locked, wanted=wanted, source=source, **more)
        records.count(locked)
    return made


def first_birth(sight: Sight) -> datetime | None:
    """When the first pod of the new version was made, as far as one is there."""
    born = [sight.state.born.get(pod.uid, "") for pod in sight.state.live]
    return min((moment for text in born if (moment := parse_datetime(text) if text else None)), default=None)


def template_writer(sight: Sight) -> str:
    """Who wrote the Deployment's template last, as its managedFields say."""
    fields = sight.state.deployment["metadata"].get("managedFields") or []
    wrote = [item for item in fields if "f:template" in ((item.get("fieldsV1") or {}).get("f:spec") or {})]
    newest = max(wrote, key=lambda item: item.get("time") or "", default=None)
    return str(newest.get("manager", "")) if newest else ""


def had(record: PoolRecord, moment: datetime, old: Iterable[str]) -> dict[str, int]:
    """Pods per business at a moment of the history. Those of the `old` uids that it heard of later were there
    already, in the hands that it found them in.
    """
    mine = Holding.objects.filter(pool=record).select_related("intent")
    then = mine.filter(Q(to_at=None) | Q(to_at__gt=moment), from_at__lte=moment)
    heard = mine.filter(pod_uid__in=old, from_at__lte=moment).values("pod_uid")
    late = mine.filter(pod_uid__in=old, previous="").exclude(pod_uid__in=heard)
    return counted([*then, *late])


def has(record: PoolRecord, sight: Sight) -> dict[str, int]:
    """Pods per business now, of those that are there: of an end the history may not have heard yet."""
    there = [pod.uid for pod in sight.state.pods if pod.alive]
    mine = Holding.objects.filter(pool=record, to_at=None, pod_uid__in=there)
    return counted(mine.select_related("intent"))


def counted(holdings: Iterable[Holding]) -> dict[str, int]:
    """Intervals per business."""
    places = [place_of(holding.business, holding.intent) for holding in holdings]
    return dict(Counter(place for place in places if not labels.is_reserved(place) and place))


def place_of(business: str, intent: Intent | None) -> str:
    """The business of an interval; that of a drain is the one that the pod was drained for."""
    return intent.goal if intent and business == labels.DRAINING and intent.goal else business


def wanted(rollout: Rollout) -> dict[str, int]:
    """Pods per business that are to be there in the end: those of the beginning, and what people moved
    since.
    """
    counts = Counter({str(business): int(count) for business, count in rollout.wanted.items()})
    moved = Holding.objects.filter(
        pool_id=rollout.pool_id, from_at__gt=rollout.started_at, source__in=[Source.PORTAL, Source.EXTERNAL]
    ).exclude(previous="")
    for previous, business in moved.values_list("previous", "business"):
        counts[previous] -= 1
        counts[business] += 1
    return {place: count for place, count in counts.items() if count > 0 and not labels.is_reserved(place)}


def is_over(rollout: Rollout, sight: Sight) -> bool:
    """Whether only pods of the new version are left, all there and Ready."""
    state = sight.state
    if sight.old or not state.seen or at_work(rollout, sight):
        return False
    return len(state.live) == state.replicas and all(pod.ready for pod in state.live)


def at_work(rollout: Rollout, sight: Sight) -> bool:
    """Whether the rollout's operation has not brought the new version to the cluster yet."""
    if not rollout.operation_id.isdigit() or sight.state.owner_uid != rollout.before:
        return False
    return Operation.objects.filter(pk=rollout.operation_id, status__in=ACTIVE).exists()


def end(rollout: Rollout) -> None:
    """Write down that it is over."""
    with transaction.atomic():
        records.count(records.lock(rollout.pool_id))
        Rollout.objects.filter(pk=rollout.pk, ended_at=None).update(ended_at=timezone.now())
