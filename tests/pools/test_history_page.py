"""The history tab: filters and pages in SQL, a timeline, costs at the admins' prices, a harmless CSV."""

import csv
import io
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.pools.handover.records import record_of
from apps.pools.history import nodes
from apps.pools.history.costs import costs
from apps.pools.history.selectors import SCALE, holdings, page, timeline
from apps.pools.models import Holding, Intent, NodePrice, PoolRecord
from tests.inference.mirrored import Mirrored

pytestmark = pytest.mark.django_db(transaction=True)
ClientOf = Callable[[User], Client]
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PLACE = {"cluster": "demo", "namespace": "default", "name": "pool"}
FORMULA = '=HYPERLINK("http://x","y")'
numbers = itertools.count(1)


@pytest.fixture
def record(db: None) -> PoolRecord:
    """A pool of the mirror, with a node of eight GPUs."""
    cluster = Cluster.objects.create(slug="demo", name="Demo", server="https://127.0.0.1:1", token="nothing")
    mirrored = Mirrored(cluster.pk)
    mirrored.node("node-1", gpus=8)
    mirrored.deployment("pool", kind="model-pool", ready=1)
    mirrored.pod("pool-1", app="pool", kind="model-pool")
    mirrored.write()
    return record_of(cluster.pk, "default", "pool")


def hold(
    record: PoolRecord, pod: str, business: str, begin: float, end: float | None, **more: Any
) -> Holding:
    """An interval, its times in hours from noon."""
    since = NOON + timedelta(hours=begin)
    until = None if end is None else NOON + timedelta(hours=end)
    more = {"source": "portal", "by": "alice", "pod_uid": f"uid-{pod}-{next(numbers)}", **more}
    return Holding.objects.create(
        pool=record, pod_name=pod, business=business, from_at=since, to_at=until, **more
    )


def intent_of(record: PoolRecord, pod: str, batch: str) -> Intent:
    return Intent.objects.create(
        pool=record, pod_uid=f"uid-{pod}", pod_name=pod, origin="unassigned", business="production",
        state="done", batch=batch,
    )  # fmt: skip


@pytest.fixture
def four(record: PoolRecord) -> list[Holding]:
    """Four intervals of three pods, by three hands."""
    return [
        hold(record, "pod-a", "production", -3, -2),
        hold(record, "pod-a", "testing", -2, None, previous="production", by="bob", reason="load test"),
        hold(record, "pod-b", "testing", -2.5, -1, by="kubectl-label", source="external"),
        hold(record, "pod-c", "staging", -1, None, by="reconciler", source="reconciler"),
    ]


def shown(client: Client, query: str = "") -> str:
    answer = client.get(reverse("pools:history", kwargs=PLACE) + query)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {0, 1, 2, 3}),
        ("?pod=pod-a", {0, 1}),
        ("?business=production", {0, 1}),
        ("?business=testing", {1, 2}),
        ("?by=bob", {1}),
        ("?source=external", {2}),
        ("?until=2026-11-20T09:45", {0, 2}),
        ("?since=2026-11-20T11:30", {1, 3}),
        ("?since=2026-11-20T09:50&until=2026-11-20T09:55", {0, 2}),
        ("?pod=pod-a&by=alice", {0}),
        ("?pod=nothing", set()),
    ],
)
def test_each_filter_shows_what_fits(
    four: list[Holding], client_of: ClientOf, bob: User, query: str, expected: set[int]
) -> None:
    html = shown(client_of(bob), query)
    assert {index for index, row in enumerate(four) if f'id="holding-{row.pk}"' in html} == expected


@pytest.mark.parametrize(
    "query",
    ["?source=nobody", "?since=yesterday", "?before=0", "?before=x", "?pod=" + "p" * 254,
     "?since=2026-11-20T10:00&until=2026-11-20T09:00"],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_is_said_beside_its_field(
    four: list[Holding], client_of: ClientOf, bob: User, query: str
) -> None:
    client = client_of(bob)
    for name in ("history", "history_csv"):
        answer = client.get(reverse(f"pools:{name}", kwargs=PLACE) + query)
        assert answer.status_code == 422 and b"invalid-feedback" in answer.content


def test_pages_follow_each_other_without_gap_or_repeat(record: PoolRecord) -> None:
    for number in range(12):
        hold(record, f"pod-{number % 3}", "production", -(number // 2), 1)
    found, seen, before = holdings(record.cluster_id, "default", "pool"), [], 0
    while True:
        part = page(found, before=before, size=5)
        seen += [row.pk for row in part.rows]
        if part.older is None:
            break
        before = part.older
    assert seen == list(found.order_by("-from_at", "-id").values_list("pk", flat=True))


def test_a_page_costs_the_same_whatever_the_history(
    record: PoolRecord, client_of: ClientOf, bob: User
) -> None:
    client = client_of(bob)
    hold(record, "pod-0", "production", -1, None)
    shown(client)
    with CaptureQueriesContext(connection) as few:
        shown(client)
    for number in range(200):
        hold(record, f"pod-{number}", "production", -number / 100, 1)
    with CaptureQueriesContext(connection) as many:
        assert "before=" in shown(client)
    assert len(many) <= len(few) + 1


def test_a_viewer_is_offered_no_undo_and_an_operator_one_per_change(
    record: PoolRecord, client_of: ClientOf, bob: User, alice: User
) -> None:
    for pod in ("pod-a", "pod-b"):
        hold(record, pod, "production", -1, None, intent=intent_of(record, pod, "board-7"))
    hold(record, "pod-c", "testing", -1, None, source="external", by="kubectl-label")
    assert "change=" not in shown(client_of(bob))
    assert shown(client_of(alice)).count("?change=board-7") == 1


def test_the_timeline_has_a_lane_per_pod_and_pieces_in_their_place(four: list[Holding]) -> None:
    found = holdings(four[0].pool.cluster_id, "default", "pool")
    drawn = timeline(found, since=NOON - timedelta(hours=4), until=NOON)
    assert drawn is not None and list(drawn.lanes) == ["pod-a", "pod-b", "pod-c"]
    first, second = drawn.lanes["pod-a"]
    assert (first.x, first.width) == (SCALE // 4, SCALE // 4)
    assert (second.x, second.x + second.width) == (SCALE // 2, SCALE)


def test_the_timeline_begins_where_the_history_does_and_leaves_out_what_is_too_much(
    record: PoolRecord,
) -> None:
    for number in range(50):
        hold(record, f"pod-{number:02}", "production", -2, None)
    drawn = timeline(holdings(record.cluster_id, "default", "pool"), since=None, until=NOON)
    assert drawn is not None and drawn.since == NOON - timedelta(hours=2)
    assert len(drawn.lanes) == 40 and drawn.more == 10
    assert timeline(Holding.objects.none(), since=None, until=None) is None


def test_costs_are_the_pods_part_of_its_node_for_the_time_that_is_asked(record: PoolRecord) -> None:
    kind = {"instance_type": "ml.p5.48xlarge", "node_gpus": 8}
    hold(record, "pod-a", "production", -10, None, gpus=4, **kind)
    hold(record, "pod-b", "production", -3, -2, gpus=2, **kind)
    hold(record, "pod-c", "testing", -1, None, gpus=1, instance_type="ml.g6.xlarge", node_gpus=1)
    NodePrice.objects.create(instance_type="ml.p5.48xlarge", price=Decimal("80"))
    found = costs(holdings(record.cluster_id, "default", "pool"), since=NOON - timedelta(hours=4), until=NOON)
    production, testing = found
    assert production.priced == [("USD", Decimal("180.000000"))]  # 4 h x 80 x 4/8 + 1 h x 80 x 2/8
    assert (production.pod_hours, production.gpu_hours) == (5.0, 18.0)
    assert testing.priced == [] and testing.without_price == [("ml.g6.xlarge", 1.0)]


def test_an_unknown_price_is_said_and_not_taken_for_nothing(
    record: PoolRecord, client_of: ClientOf, bob: User
) -> None:
    Holding.objects.all().delete()
    begun = timezone.now() - timedelta(hours=1)
    Holding.objects.create(
        pool=record, pod_uid="u", pod_name="p", business="testing", from_at=begun, gpus=1, source="cluster"
    )
    assert "nodes of unknown type" in shown(client_of(bob))


def test_an_interval_gets_its_node_when_the_pod_gets_it(record: PoolRecord) -> None:
    blank = hold(record, "pool-1", "unassigned", -1, None, pod_uid="uid-pool-1", gpus=1)
    assert nodes.fill(record.cluster_id) == 1
    blank.refresh_from_db()
    assert (blank.node, blank.node_gpus) == ("node-1", 8)


def close() -> None:
    connection.close()


async def exported(user: User, query: str = "", door: str = "pools:history_csv") -> list[dict[str, str]]:
    client = AsyncClient()
    await client.aforce_login(user, backend="django.contrib.auth.backends.ModelBackend")
    answer: Any = await client.get(reverse(door, kwargs=PLACE) + query)
    assert answer.status_code == 200 and 'filename="pool-history.csv"' in answer["Content-Disposition"]
    text = b"".join([part async for part in answer.streaming_content]).decode()
    await sync_to_async(close)()  # of the thread that asynchronous code reads in
    return list(csv.DictReader(io.StringIO(text)))


async def test_the_csv_holds_what_the_filter_shows_and_no_formula(four: list[Holding], bob: User) -> None:
    await Holding.objects.filter(pk=four[1].pk).aupdate(reason=FORMULA)
    rows = await exported(bob, "?pod=pod-a")
    assert [row["business"] for row in rows] == ["testing", "production"]
    assert rows[0]["reason"] == f"'{FORMULA}" and rows[0]["previous"] == "production"
    assert await exported(bob, "?pod=pod-a", "api:pool_history_csv") == rows


def test_the_api_filters_pages_and_reckons(four: list[Holding], client_of: ClientOf, bob: User) -> None:
    client, base = client_of(bob), "/api/c/demo/pools/default/pool"
    newest = client.get(f"{base}/history?limit=2").json()
    older = client.get(f"{base}/history?limit=2&before={newest[-1]['id']}").json()
    assert [row["id"] for row in newest + older] == [four[3].pk, four[1].pk, four[2].pk, four[0].pk]
    assert [row["by"] for row in client.get(f"{base}/history?source=external").json()] == ["kubectl-label"]
    assert client.get(f"{base}/history?since=yesterday").status_code == 422
    found = client.get(f"{base}/costs?since=2026-11-20T08:00Z&until=2026-11-20T09:30Z").json()
    assert [(row["business"], row["podHours"]) for row in found] == [("production", 0.5)]
