"""The history stands whatever is read ahead of the watch, told twice or told late."""

import random

import pytest

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.pools.handover import intervals, observing, records, settling
from apps.pools.live_view import PodFacts
from apps.pools.models import Holding, Intent, PoolRecord
from apps.pools.statuses import IntentState
from tests.pools.checker import gaps
from tests.pools.made_up import pod

pytestmark = pytest.mark.django_db
ROUNDS = 15
NOBODYS = "0b5a0bd1-3f5b-4a58-9b5e-0d6f5f0f8a11"


@pytest.fixture
def record() -> PoolRecord:
    cluster = Cluster.objects.create(slug="demo", name="Demo", server="https://127.0.0.1:9", token="t")
    return records.record_of(cluster.pk, "default", "llm")


def told(record: PoolRecord, uid: str) -> list[str]:
    rows = list(Holding.objects.filter(pool=record, pod_uid=uid).order_by("version", "pk"))
    assert gaps(uid, rows) == [] and [row for row in rows if row.to_at is None] == rows[-1:]
    return [row.business for row in rows]


def life(chance: random.Random, name: str) -> tuple[list[PodFacts], list[str]]:
    """Moments of one pod in their true order, status changes in between, and the businesses that it had."""
    moments, chain, business = [pod(name, version=9)], ["unassigned"], "unassigned"
    for version in range(10, 40):
        if chance.random() < 0.3:
            business = chance.choice(["production", "testing", "unassigned"])
        if business != chain[-1]:
            chain.append(business)
        moments.append(pod(name, business, version=version))
    return moments, chain


def heard(chance: random.Random, moments: list[PodFacts]) -> list[tuple[PodFacts, bool]]:
    """The watch in its order; between, readings that are ahead of it (fresh), and old moments shown again."""
    news = []
    for number, moment in enumerate(moments):
        if chance.random() < 0.3:
            news.append((chance.choice(moments[number:]), True))
        if chance.random() < 0.3 and number:
            news.append((chance.choice(moments[:number]), False))
        news.append((moment, False))
    return news


def test_readings_ahead_of_the_watch_and_old_news_lose_and_double_nothing(record: PoolRecord) -> None:
    total = 0
    for number in range(ROUNDS):
        chance = random.Random(number)
        moments, chain = life(chance, f"pod-{number}")
        for moment, fresh in heard(chance, moments):
            observing.fit(records.lock(record.pk), moment, fresh=fresh)
            total += 1
        assert told(record, moments[0].uid) == chain, f"seed {number}"
    print(f"\n{total} moments of {ROUNDS} pods, some ahead, some old: 0 wrong rows")


def test_a_change_of_ours_known_late_stands_where_it_happened(record: PoolRecord) -> None:
    intent = Intent.objects.create(
        pool=record, pod_uid="uid-a", pod_name="a", origin="unassigned", business="production", stamp=""
    )
    mark = str(intent.pk)
    before = pod("a", version=10)
    ours = pod("a", "production", version=12, stamp=mark)
    foreign = pod("a", "testing", version=15, stamp=mark)
    observing.fit(records.lock(record.pk), before)
    settling.close(intent, settling.Outcome(IntentState.DONE), foreign)
    assert told(record, "uid-a") == ["unassigned", "production", "testing"]
    for moment in (foreign, ours, before):
        observing.fit(records.lock(record.pk), moment)
    assert told(record, "uid-a") == ["unassigned", "production", "testing"]
    assert Holding.objects.get(intent=intent).version == 12


def test_the_watcher_settles_an_intent_by_the_stamp_that_it_sees(record: PoolRecord) -> None:
    observing.fit(records.lock(record.pk), pod("a", version=10))
    intent = Intent.objects.create(
        pool=record, pod_uid="uid-a", pod_name="a", origin="unassigned", business="production", stamp=""
    )
    observing.catch_up(record, [pod("a", "production", version=12, stamp=str(intent.pk))])
    intent.refresh_from_db()
    assert (intent.state, told(record, "uid-a")) == (IntentState.DONE, ["unassigned", "production"])


@pytest.mark.parametrize("stamp", ["", "x", "void-1", NOBODYS, "{" + NOBODYS + "}", "'; --"])
def test_a_stamp_that_is_nobodys_is_an_external_change(record: PoolRecord, stamp: str) -> None:
    observing.catch_up(record, [pod("a", version=10), pod("a", "testing", version=11, stamp=stamp)])
    newest = Holding.objects.get(to_at=None)
    assert (newest.business, newest.source, newest.by) == ("testing", "external", "kubectl-label")


def test_a_stamp_of_another_pods_intent_proves_nothing(record: PoolRecord, alice: User) -> None:
    intent = Intent.objects.create(
        pool=record, pod_uid="uid-b", pod_name="b", origin="unassigned", business="testing", stamp=""
    )
    observing.catch_up(record, [pod("a", "testing", version=11, stamp=str(intent.pk))])
    intent.refresh_from_db()
    assert intent.open and Holding.objects.get().source == "external"


def test_a_pod_that_left_the_pool_and_came_back_is_held_again(record: PoolRecord) -> None:
    observing.fit(records.lock(record.pk), pod("a", version=10))
    intervals.end(records.lock(record.pk), ["uid-a"])
    observing.catch_up(record, [pod("a", version=10)])
    assert not Holding.objects.filter(to_at=None).exists(), "an old moment does not raise the dead"
    observing.fit(records.lock(record.pk), pod("a", version=20), fresh=True)
    assert Holding.objects.get(to_at=None).business == "unassigned"


def test_a_change_of_ours_known_after_the_pods_end_stands_before_it(record: PoolRecord) -> None:
    intent = Intent.objects.create(
        pool=record, pod_uid="uid-a", pod_name="a", origin="testing", business="production", stamp=""
    )
    observing.fit(records.lock(record.pk), pod("a", "testing", version=10))
    intervals.end(records.lock(record.pk), ["uid-a"])
    dying = pod("a", "production", version=12, stamp=str(intent.pk), deleting=True)
    settling.close(intent, settling.Outcome(IntentState.DONE), dying)
    rows = list(Holding.objects.filter(pool=record).order_by("version"))
    assert [(row.business, row.previous) for row in rows] == [("testing", ""), ("production", "testing")]
    assert gaps("uid-a", rows) == [] and rows[1].to_at is not None
