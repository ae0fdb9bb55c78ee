"""The watcher process: new and changed clusters without a restart, a broken one beside a good one, a
stand-by.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.actions import SystemActor
from apps.clusters.actions import remove_cluster
from apps.clusters.models import Cluster
from apps.live import mirror
from apps.live.models import SyncState
from tests.pools.world import make_cluster
from tests.processes import Devcluster, process, until


@pytest.fixture
def watchers(transactional_db: None) -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def start(stack: ExitStack) -> object:
    return stack.enter_context(process("manage.py", "watch"))


def nodes(cluster: Cluster) -> int:
    return mirror.objects(cluster.pk, "nodes").count()


def following(cluster: Cluster) -> bool:
    states = SyncState.objects.filter(cluster_id=cluster.pk)
    return len(states) == 6 and all(state.loaded and not state.stale for state in states)


def test_clusters_come_go_and_change_without_a_restart(watchers: ExitStack, devcluster: Devcluster) -> None:
    start(watchers)
    good = make_cluster(devcluster)
    until(lambda: following(good), seconds=60, what="a new cluster to be followed")
    assert nodes(good) >= 4
    broken = make_cluster(devcluster)
    Cluster.objects.filter(pk=broken.pk).update(server="https://127.0.0.1:1", version=7)
    until(lambda: failing(broken), seconds=60, what="the broken one to say so")
    assert following(good), "a broken cluster never slows another"
    broken.refresh_from_db()
    broken.server = good.server
    broken.save()
    until(lambda: following(broken), seconds=60, what="the mended one to be followed")
    broken.active = False
    broken.save()
    until(lambda: quiet(broken), seconds=30, what="the one that was switched off to be left alone")
    remove_cluster(by=SystemActor("test"), cluster=broken)
    assert following(good) and not mirror.objects(broken.pk or 0, "nodes").exists()


def quiet(cluster: Cluster) -> bool:
    """Nothing has been seen of it for two of the watcher's pulses."""
    seen = SyncState.objects.filter(cluster_id=cluster.pk).latest("seen_at").seen_at
    return seen is not None and timezone.now() - seen > timedelta(seconds=3)


def failing(cluster: Cluster) -> bool:
    return SyncState.objects.filter(cluster_id=cluster.pk).exclude(error="").exists()


def test_a_second_watcher_takes_over_when_the_first_is_killed(
    watchers: ExitStack, devcluster: Devcluster
) -> None:
    with process("manage.py", "watch") as first:
        cluster = make_cluster(devcluster)
        until(lambda: following(cluster), seconds=60, what="the first watcher")
        start(watchers)
        first.kill()
        first.wait(10)
    seen = SyncState.objects.filter(cluster_id=cluster.pk).latest("seen_at").seen_at
    until(
        lambda: SyncState.objects.filter(cluster_id=cluster.pk, seen_at__gt=seen, epoch__gte=2).count() == 6,
        seconds=60,
        what="the second watcher to follow",
    )
