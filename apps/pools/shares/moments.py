"""When time alone changes what is due in a pool with shares: patience, a dwell or an exception is over."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils.dateparse import parse_datetime

from apps.gateways import labels
from apps.pools.live_view import PodFacts
from apps.pools.shares.entitlement import Rule
from apps.pools.shares.planning import Shared


def next_moment(shared: Shared) -> datetime | None:
    """The first such moment after the look; None when nothing waits for time."""
    found = (moment for moment in moments(shared) if moment > shared.sight.now)
    return min(found, default=None)


def moments(shared: Shared) -> Iterator[datetime]:
    """All of them, those that are past too."""
    for pod in shared.pods:
        if since := away_since(pod):
            yield since + timedelta(seconds=shared.patience)
    for rule in shared.rules:
        if since := waits_since(shared, rule):
            yield since + timedelta(seconds=shared.dwell)
    for item in shared.exceptions:
        if item.until:
            yield item.until


def away_since(pod: PodFacts) -> datetime | None:
    """Since when a lent pod is not Ready, as far as the cluster says."""
    if pod.ready or labels.is_reserved(pod.business) or not pod.ready_changed:
        return None
    return parse_datetime(pod.ready_changed)


def waits_since(shared: Shared, rule: Rule) -> datetime | None:
    """Since when a weight is missed, or a number has a pod too many."""
    if rule.weight is not None:
        return rule.missed_since
    if shared.lacks(rule) >= 0:
        return None
    came = [shared.since[pod.uid] for pod in shared.of(rule.business) if pod.uid in shared.since]
    return max(came, default=None)
