"""Reading the history: by filter, in pages, as lanes of a timeline. All in SQL."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min, Q, QuerySet
from django.utils import timezone

from apps.pools.models import Holding, PoolRecord

PAGE_SIZE = 50
SEGMENTS, LANES = 600, 40
LONGEST = timedelta(hours=24)
COST_DAYS = timedelta(days=30)
SCALE = 10_000
"""The width of a timeline in its own units."""

Holdings = QuerySet[Holding, Holding]


def holdings(cluster_id: int, namespace: str, name: str) -> Holdings:
    """A pool's intervals."""
    of_pool = Q(pool__cluster_id=cluster_id, pool__namespace=namespace, pool__name=name)
    return Holding.objects.filter(of_pool).select_related("intent")


@dataclass(frozen=True)
class Page:
    """Intervals, newest first; `older` is the cursor of the next page, None on the last."""

    rows: list[Holding]
    older: int | None


def page(found: Holdings, *, before: int = 0, size: int = PAGE_SIZE) -> Page:
    """One page behind the interval `before` (a primary key): page 1,000 costs what page 1 does."""
    start = Holding.objects.filter(pk=before).first() if before else None
    if start is not None:
        found = behind(found, start)
    rows = list(found.order_by("-from_at", "-id")[: size + 1])
    return Page(rows[:size], rows[size - 1].pk if len(rows) > size else None)


def behind(found: Holdings, last: Holding) -> Holdings:
    """What comes after an interval in the order of pages."""
    later = Q(from_at__lt=last.from_at) | Q(pk__lt=last.pk)
    return found.filter(Q(from_at__lte=last.from_at), later)


def change_of(holding: Holding) -> str:
    """The key by which the change that began an interval can be taken back; "" when nobody here made it."""
    intent = holding.intent
    return (intent.batch or intent.operation_id or str(intent.pk)) if intent else ""


@dataclass(frozen=True)
class Segment:
    """An interval on the timeline; `x` and `width` in units of SCALE."""

    holding: Holding
    x: int
    width: int


@dataclass(frozen=True)
class Timeline:
    """Lanes by pod name, from `since` to `until`. `ticks`: moments in even steps. `more`: pods left out."""

    since: datetime
    until: datetime
    lanes: Mapping[str, list[Segment]]
    ticks: list[datetime]
    more: int

    @property
    def businesses(self) -> list[str]:
        """Who is on it, by name: the key to its colours."""
        return sorted({piece.holding.business for lane in self.lanes.values() for piece in lane})

    @property
    def clock(self) -> str:
        """How fine its moments are written, as a date format of templates."""
        span = self.until - self.since
        if span > timedelta(hours=36):
            return "m-d H:i"
        return "H:i" if span > timedelta(minutes=10) else "H:i:s"


def timeline(found: Holdings, *, since: datetime | None, until: datetime | None) -> Timeline | None:
    """The newest intervals of a time, at most LANES pods; None when there are none.

    Without `since`: from the first of them, a day at most.
    """
    end = until or whole_minute(timezone.now())
    found = during(found, since or end - LONGEST, end)
    rows = list(found.order_by("-from_at", "-id")[:SEGMENTS])
    if not rows:
        return None
    first = found.aggregate(first=Min("from_at"))["first"]
    begin = since or max(min(first, end - timedelta(minutes=1)), end - LONGEST)
    lanes: dict[str, list[Segment]] = {}
    for row in sorted(rows, key=lambda row: (row.pod_name, row.from_at, row.pk)):
        lanes.setdefault(row.pod_name, []).append(segment(row, begin, end))
    ticks = [begin + (end - begin) * step / 4 for step in range(5)]
    return Timeline(begin, end, dict(list(lanes.items())[:LANES]), ticks, max(0, len(lanes) - LANES))


def during(found: Holdings, since: datetime | None, until: datetime | None) -> Holdings:
    """Intervals that lie in a time, or reach into it."""
    if since:
        found = found.filter(Q(to_at=None) | Q(to_at__gt=since))
    return found.filter(from_at__lt=until) if until else found


def cost_times(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    """The time that costs are reckoned for: up to now, COST_DAYS where no beginning is given."""
    now = whole_minute(timezone.now())
    end = min(until or now, now)
    return since or end - COST_DAYS, end


def segment(row: Holding, begin: datetime, end: datetime) -> Segment:
    """Where an interval stands; never thinner than can be seen."""
    span = (end - begin).total_seconds() or 1.0
    x = place(row.from_at, begin, span)
    return Segment(row, x, max(SCALE // 400, place(row.to_at or end, begin, span) - x))


def place(moment: datetime, begin: datetime, span: float) -> int:
    """A moment in units of SCALE, kept within."""
    return round(min(max((moment - begin).total_seconds() / span, 0), 1) * SCALE)


def whole_minute(moment: datetime) -> datetime:
    """The end of the running minute: a timeline that is looked at again is the same for a minute."""
    return moment.replace(second=0, microsecond=0) + timedelta(minutes=1)


def choices(record: PoolRecord | None, name: str) -> Iterable[str]:
    """The values of a text field in a pool's history, for suggestions."""
    found = Holding.objects.filter(pool=record).exclude(**{name: ""}) if record else Holding.objects.none()
    return found.order_by(name).values_list(name, flat=True).distinct()[:100]
