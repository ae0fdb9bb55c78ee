"""SyncState as the sources write it: whose turn it is, alive or failing; only changes are written and
announced.
"""

from collections.abc import Collection

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.live import topics
from apps.live.models import STALE_AFTER, SyncState
from apps.live.publish import publish


def begin(cluster_id: int, kind: str) -> int:
    """A source begins to follow this kind: its epoch, which fences off whoever followed it before."""
    with transaction.atomic():
        SyncState.objects.bulk_create([SyncState(cluster_id=cluster_id, kind=kind)], ignore_conflicts=True)
        SyncState.objects.filter(cluster_id=cluster_id, kind=kind).update(epoch=F("epoch") + 1)
        return SyncState.objects.values_list("epoch", flat=True).get(cluster_id=cluster_id, kind=kind)


def alive(cluster_id: int, kinds: Collection[str]) -> None:
    """The mirror of these kinds is current at this moment; the end of a failure or a silence is told."""
    if not kinds:
        return
    with transaction.atomic():
        mine = SyncState.objects.filter(cluster_id=cluster_id, kind__in=kinds, synced_at__isnull=False)
        outdated = ~Q(error="") | Q(seen_at__lt=timezone.now() - STALE_AFTER)
        recovered = mine.filter(outdated).update(error="", failing_since=None)
        mine.update(seen_at=timezone.now())
        if recovered:
            publish(topics.sync(cluster_id))


def failing(cluster_id: int, kinds: Collection[str], error: str) -> None:
    """These kinds cannot be followed now, and why; the moment of the first failure is kept."""
    if not kinds:
        return
    with transaction.atomic():
        states = [SyncState(cluster_id=cluster_id, kind=kind) for kind in kinds]
        SyncState.objects.bulk_create(states, ignore_conflicts=True)
        mine = SyncState.objects.filter(cluster_id=cluster_id, kind__in=kinds)
        mine.filter(failing_since__isnull=True).update(failing_since=timezone.now())
        if mine.exclude(error=error).update(error=error):
            publish(topics.sync(cluster_id))
