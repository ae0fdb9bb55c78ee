"""The frame of every page says whether the cluster answers, and since when not."""

from datetime import timedelta

from django.utils import timezone

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.live import syncing
from apps.live.db import db
from apps.live.models import SyncState
from tests.live.conftest import loop_end, visit  # noqa: F401  fixtures
from tests.live.test_page_socket import Open

KINDS = ("nodes", "pods")


def make_cluster(ago: timedelta) -> Cluster:
    """A cluster that was read once and last heard of so long ago."""
    cluster = Cluster.objects.create(slug="demo", name="Demo", server="https://127.0.0.1:9", token="t")
    moment = timezone.now() - ago
    states = [SyncState(cluster_id=cluster.pk, kind=kind, synced_at=moment, seen_at=moment) for kind in KINDS]
    SyncState.objects.bulk_create(states)
    return cluster


async def test_a_silence_is_shown_until_the_cluster_is_heard_again(visit: Open, bob: User) -> None:  # noqa: F811
    cluster = await db(lambda: make_cluster(timedelta(hours=1)))
    page = await visit(bob)
    await page.join("site.cluster_state", "state", cluster="demo")
    await page.join("site.attention", "attention", cluster="demo")
    await page.shows("state", "not answering since")
    await page.shows("attention", "Nothing that was known")
    await db(lambda: syncing.alive(cluster.pk, KINDS))
    await page.misses("state", "not answering")
    await page.shows("attention", "✓ Nothing")
    await db(lambda: syncing.failing(cluster.pk, KINDS, "It refused the login."))
    assert 'title="It refused the login."' in await page.shows("state", "not answering since")
