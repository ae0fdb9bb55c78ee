"""What the cluster shows without our doing: pods that start and end, and labels that others change.

Called by the watcher with every event of a pod, after each commit of mirrored pods (lists come that way),
and by the recovery sweep. It believes every moment that it is shown and fits it in by its version
(`intervals.place`), so it may be shown old ones, and the same ones again and again. Rows of other pods, and
what rows were before, are not decoded: an earlier release may have mirrored less of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from apps.live.rows import Change, Event, Row
from apps.pools.handover import intervals, records, settling, switching
from apps.pools.handover.words import is_stamp
from apps.pools.live_view import PodFacts, facts_of, pool_of
from apps.pools.models import Holding, Intent, PoolRecord
from apps.pools.statuses import IntentState


@dataclass
class Shown:
    """What was shown of one pool's pods: moments in their order, and the uids of pods that are gone."""

    moments: list[PodFacts] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


def facts_of_row(row: Row) -> PodFacts:
    """A mirrored pod in the rules' terms."""
    return facts_of(
        name=row.name,
        namespace=row.namespace,
        uid=row.uid,
        own=row.labels,
        version=row.resource_version,
        data=row.data,
    )


def events_told(cluster_id: int, events: Sequence[Event]) -> None:
    """The watcher's hook for events."""
    shown: defaultdict[tuple[str, str], Shown] = defaultdict(Shown)
    for event in events:
        row, pool = event.row, pool_of(event.row.labels)
        if pool:
            mine = shown[row.namespace, pool]
            mine.gone.append(row.uid) if event.deleted else mine.moments.append(facts_of_row(row))
    write_down(cluster_id, shown)


def pods_changed(cluster_id: int, changes: Iterable[Change]) -> None:
    """The watcher's hook for what the mirror stored."""
    shown: defaultdict[tuple[str, str], Shown] = defaultdict(Shown)
    for change in changes:
        old, new = change.old, change.new
        if old and (left := pool_of(old.labels)) and replaced(change):
            shown[old.namespace, left].gone.append(old.uid)
        if new and (pool := pool_of(new.labels)):
            shown[new.namespace, pool].moments.append(facts_of_row(new))
    write_down(cluster_id, shown)


def replaced(change: Change) -> bool:
    """Whether the old row's pod is gone, or no longer one of the same pool."""
    if change.old is None or change.new is None:
        return True
    old, new = change.old, change.new
    return (old.uid, pool_of(old.labels)) != (new.uid, pool_of(new.labels))


def write_down(cluster_id: int, shown: dict[tuple[str, str], Shown]) -> None:
    """Bring the history of each pool in line with what was shown."""
    for (namespace, pool), mine in shown.items():
        record = records.record_of(cluster_id, namespace, pool)
        settled = catch_up(record, mine.moments)
        finish(record, mine.gone + [pod.uid for pod in mine.moments if not pod.alive])
        for intent in settled:
            switching.follow(intent)


def catch_up(record: PoolRecord, moments: list[PodFacts]) -> list[Intent]:
    """Fit in the moments of pods about which the history says something else. Returns intents settled by
    them.
    """
    news = newsworthy(record, [pod for pod in moments if pod.alive])
    if not news:
        return []
    with transaction.atomic():
        locked = records.lock(record.pk)
        return [intent for pod in news for intent in fit(locked, pod)]


def fit(record: PoolRecord, pod: PodFacts, *, fresh: bool = False) -> list[Intent]:
    """Fit one moment in, after settling the intent whose stamp it carries. Under the pool's lock."""
    settled = []
    intent = settling.of_stamp(pod.stamp)
    if intent and intent.state != IntentState.DONE and intent.pod_uid == pod.uid:
        settled.append(settling.close(intent, settling.Outcome(IntentState.DONE), pod))
    intervals.place(record, pod, fresh=fresh)
    return settled


def newsworthy(record: PoolRecord, moments: list[PodFacts]) -> list[PodFacts]:
    """Every moment of the pods of which some moment does not fit the open interval, or proves an unsettled
    intent.
    """
    uids = {pod.uid for pod in moments}
    held = dict(
        Holding.objects.filter(pool=record, pod_uid__in=uids, to_at=None).values_list("pod_uid", "business")
    )
    stamps = {pod.stamp for pod in moments if is_stamp(pod.stamp)}
    unsettled = Intent.objects.filter(pool=record, pk__in=stamps).exclude(state=IntentState.DONE)
    open_stamps = {str(pk) for pk in unsettled.values_list("pk", flat=True)}
    touched = {pod.uid for pod in moments if held.get(pod.uid) != pod.business or pod.stamp in open_stamps}
    return [pod for pod in moments if pod.uid in touched]


def finish(record: PoolRecord, uids: list[str]) -> None:
    """Close the intervals of pods that ended."""
    if uids and Holding.objects.filter(pool=record, pod_uid__in=uids, to_at=None).exists():
        with transaction.atomic():
            intervals.end(records.lock(record.pk), uids)
