"""Numbers that are looked up when Prometheus asks: live pages, the mirror, operations, queues.

What comes from the database and from Valkey is true for the whole portal, and kept for a few seconds: many
readers cost no more than one. A source that is away leaves its numbers out and says so in `portal_source_up`.
"""

import threading
import time
from collections.abc import Iterable
from datetime import timedelta
from functools import cached_property
from typing import Any, cast

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, F, Min, Q, Sum
from django.utils import timezone
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from apps.clusters.models import Cluster
from apps.live import publish
from apps.live.hub import hubs
from apps.live.models import SyncState
from apps.operations.models import Operation
from apps.operations.registry import LIMITS
from apps.operations.statuses import ENDED, OperationStatus

logger = structlog.get_logger(__name__)
KEEP_SECONDS = 5.0
BUCKETS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600)


class Kept(Collector):
    """A collector whose numbers are looked up at most every KEEP_SECONDS, by one asker at a time."""

    source = ""
    away: type[Exception] | tuple[type[Exception], ...] = ()

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[Metric] = []
        self._until = 0.0

    def collect(self) -> Iterable[Metric]:
        """The numbers, a few seconds old at most."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._kept = self._fresh()
                self._until = time.monotonic() + KEEP_SECONDS
            return list(self._kept)

    def look(self) -> list[Metric]:
        """Look everything up now. May raise what `away` names."""
        raise NotImplementedError

    def _fresh(self) -> list[Metric]:
        up = GaugeMetricFamily("portal_source_up", "Whether a source of numbers answers", labels=["source"])
        try:
            found = self.look()
        except self.away as error:
            logger.warning("metrics_source_away", source=self.source, error=str(error))
            up.add_metric([self.source], 0)
            return [up]
        up.add_metric([self.source], 1)
        return [up, *found]


class LiveGauges(Collector):
    """This process' live pages."""

    def collect(self) -> Iterable[Metric]:
        """Sockets, what they look at, and whether changes are heard."""
        known = hubs()
        yield gauge("portal_live_sockets", "Open page sockets", sum(hub.pages for hub in known))
        yield gauge("portal_live_regions", "Fragments being watched", sum(len(hub.regions) for hub in known))
        yield gauge("portal_live_feeds", "Streams being followed", sum(len(hub.feeds) for hub in known))
        deaf = sum(not hub.ear.hearing for hub in known)
        yield gauge("portal_live_deaf", "Hubs that hear no changes now", deaf)
        failed = "Announcements of changes that failed and were tried again"
        yield CounterMetricFamily("portal_publish_failures", failed, value=publish.failures())


class DatabaseGauges(Kept):
    """The mirror's age and the operations, from Postgres."""

    source, away = "postgres", DatabaseError

    def look(self) -> list[Metric]:
        """Two small queries for the mirror, two for operations."""
        return [*mirror_metrics(), *operation_metrics(), *queue_age_metrics()]


class QueueGauges(Kept):
    """What waits in Valkey for a worker."""

    source, away = "redis", redis.RedisError

    @cached_property
    def client(self) -> "redis.Redis":
        """One connection for all questions."""
        return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)

    def look(self) -> list[Metric]:
        """The length of each queue's list."""
        waiting = GaugeMetricFamily(
            "portal_queue_messages", "Messages that no worker has taken yet", labels=["queue"]
        )
        for queue in LIMITS:
            waiting.add_metric([queue], float(self.client.llen(f"{settings.REDIS_PREFIX}:celery:{queue}")))
        return [waiting]


def gauge(name: str, words: str, value: float) -> Metric:
    """A gauge without labels."""
    return GaugeMetricFamily(name, words, value=value)


def mirror_metrics() -> list[Metric]:
    """How current each kind of each active cluster is, and how often following it began anew."""
    slugs = dict(Cluster.objects.filter(active=True).values_list("pk", "slug"))
    names = ["cluster", "kind"]
    age = GaugeMetricFamily(
        "portal_mirror_age_seconds", "Seconds since the mirror was last known to be current", labels=names
    )
    failing = GaugeMetricFamily("portal_mirror_failing", "1 while a kind cannot be followed", labels=names)
    lists = CounterMetricFamily(
        "portal_watch_lists", "Whole lists taken, each the begin of a new watch", labels=names
    )
    starts = CounterMetricFamily(
        "portal_watch_starts", "Times that a watcher began to follow a kind", labels=names
    )
    for state in SyncState.objects.filter(cluster_id__in=slugs).order_by("cluster_id", "kind"):
        place = [slugs[state.cluster_id], state.kind]
        if state.seen_at is not None:
            age.add_metric(place, (timezone.now() - state.seen_at).total_seconds())
        failing.add_metric(place, float(bool(state.error)))
        lists.add_metric(place, state.lists)
        starts.add_metric(place, state.epoch)
    return [age, failing, lists, starts]


def operation_metrics() -> list[Metric]:
    """Operations by runner and status, and how long the ended ones took from their start to their end."""
    counts = GaugeMetricFamily(
        "portal_operations", "Operations by status; ended ones stay", labels=["runner", "status"]
    )
    times = HistogramMetricFamily(
        "portal_operation_seconds",
        "Seconds from start to end of ended operations",
        labels=["runner", "status"],
    )
    for row in operation_rows():
        labels = [row["runner"], row["status"]]
        counts.add_metric(labels, row["number"])
        if row["timed"]:
            times.add_metric(labels, buckets(row), row["whole"].total_seconds())
    return [counts, times]


def operation_rows() -> Iterable[dict[str, Any]]:
    """One pass over the table: per runner and status the number, and how many took at most so long."""
    timed = Q(status__in=ENDED, started_at__isnull=False)
    within = {
        f"within_{seconds}": Count("pk", filter=timed & Q(took__lte=timedelta(seconds=seconds)))
        for seconds in BUCKETS
    }
    grouped = Operation.objects.annotate(took=F("ended_at") - F("started_at")).values("runner", "status")
    counted = grouped.annotate(
        number=Count("pk"), timed=Count("pk", filter=timed), whole=Sum("took", filter=timed), **within
    )
    return cast("Iterable[dict[str, Any]]", counted.order_by("runner", "status"))


def buckets(row: dict[str, Any]) -> list[tuple[str, float]]:
    """A row's counts as Prometheus wants them."""
    return [*((str(float(each)), row[f"within_{each}"]) for each in BUCKETS), ("+Inf", row["timed"])]


def queue_age_metrics() -> list[Metric]:
    """How long the oldest queued operation of each queue has been waiting: 0 where none does."""
    queued = Operation.objects.filter(status=OperationStatus.QUEUED)
    oldest = dict(queued.order_by().values_list("queue").annotate(Min("created_at")))
    ages = GaugeMetricFamily(
        "portal_queue_oldest_seconds", "Age of the oldest operation that nobody has begun", labels=["queue"]
    )
    for queue in LIMITS:
        since = oldest.get(queue)
        ages.add_metric([queue], (timezone.now() - since).total_seconds() if since else 0)
    return [ages]
