"""/metrics: closed by default, and true about requests, mirror, operations and queues."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import redis
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from apps.accounts.models import User
from apps.live import mirror
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from hyperpod_site import metrics
from hyperpod_site.env import Environment
from tests.edge.test_postgres_away import postgres_away
from tests.test_access import make_world

TOKEN = "a-token-that-nobody-guesses"
Numbers = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(autouse=True)
def with_a_token() -> Iterator[None]:
    metrics.registry.cache_clear()
    with override_settings(PORTAL_METRICS_TOKEN=TOKEN):
        yield


def read(client: Client | None = None) -> Numbers:
    metrics.registry.cache_clear()
    answer = (client or Client()).get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def labels(**given: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(given.items()))


@override_settings(PORTAL_METRICS_TOKEN="")
def test_without_a_configured_token_there_is_no_such_page() -> None:
    for header in ("Bearer ", "Bearer", ""):
        assert Client().get("/metrics", headers={"authorization": header}).status_code == 404


WRONG = ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}é", TOKEN]


@pytest.mark.parametrize("header", WRONG)
def test_a_wrong_token_is_refused(header: str) -> None:
    answer = Client().get("/metrics", headers={"authorization": header})
    assert answer.status_code == 401 and not answer.content


@pytest.mark.parametrize("token", ["short", "x" * 23])
def test_a_token_that_can_be_guessed_is_refused_at_the_start(token: str) -> None:
    with pytest.raises(ValueError, match="at least 24 characters"):
        Environment(metrics_token=token)


def test_an_admins_session_is_no_token(root: User, client_of: Callable[[User], Client]) -> None:
    assert client_of(root).get("/metrics").status_code == 401


@pytest.mark.django_db
def test_requests_are_counted_by_view_and_not_by_address(
    alice: User, client_of: Callable[[User], Client]
) -> None:
    make_world()
    before, client, name = read(), client_of(alice), "portal_http_requests_total"
    for number in range(3):
        client.get(f"/operations/{number + 900_000}/")
    client.get("/no/such/page")
    after = read()
    place = labels(view="operations:detail", method="GET", status="404")
    views = {dict(key[1])["view"] for key in after if key[0] == name}
    assert after[name, place] - before.get((name, place), 0) == 3
    assert "none" in views and not [view for view in views if re.search(r"/|\d{3}", view)]
    timed = after["portal_http_request_seconds_count", labels(view="operations:detail", method="GET")]
    assert timed >= 3


@pytest.mark.django_db
def test_the_mirrors_age_and_lists_are_told_per_cluster_and_kind() -> None:
    make_world()
    before = read()
    place = labels(cluster="demo", kind="pods")
    cluster_id = mirror.SyncState.objects.filter(kind="pods").get().cluster_id
    mirror.replace(cluster_id, "pods", [], 10_000)
    mirror.replace(cluster_id, "pods", [], 10_001)
    after = read()
    assert after["portal_watch_lists_total", place] - before["portal_watch_lists_total", place] == 2
    assert 0 <= after["portal_mirror_age_seconds", place] < 60
    assert after["portal_mirror_failing", place] == 0


def an_operation(status: str, *, took: float = 0, queue: str = "quick") -> None:
    now = timezone.now()
    Operation.objects.create(
        runner="tests.some",
        title="Some",
        queue=queue,
        status=status,
        actor_name="alice",
        created_at=now - timedelta(seconds=100),
        started_at=now - timedelta(seconds=took) if took else None,
        ended_at=now if took else None,
    )


@pytest.mark.django_db
def test_operations_are_counted_and_timed() -> None:
    for took in (2, 40, 20_000):
        an_operation(OperationStatus.SUCCEEDED, took=took)
    an_operation(OperationStatus.FAILED, took=3)
    an_operation(OperationStatus.QUEUED, queue="long")
    found = read()
    done = labels(runner="tests.some", status="succeeded")
    assert found["portal_operations", done] == 3
    assert found["portal_operations", labels(runner="tests.some", status="failed")] == 1
    assert found["portal_operation_seconds_bucket", tuple(sorted([*done, ("le", "60.0")]))] == 2
    assert found["portal_operation_seconds_count", done] == 3
    assert found["portal_operation_seconds_sum", done] == pytest.approx(20_042, abs=1)
    assert found["portal_queue_oldest_seconds", labels(queue="long")] >= 100
    assert found["portal_queue_oldest_seconds", labels(queue="quick")] == 0


@pytest.mark.django_db
def test_the_depth_of_a_queue_is_what_waits_in_valkey() -> None:
    queue = f"{settings.REDIS_PREFIX}:celery:long"
    client = redis.Redis.from_url(settings.REDIS_URL)
    before = read()["portal_queue_messages", labels(queue="long")]
    client.rpush(queue, "one", "two", "three")
    try:
        assert read()["portal_queue_messages", labels(queue="long")] - before == 3
    finally:
        client.rpop(queue, 3)


@pytest.mark.django_db(transaction=True)
def test_without_postgres_the_rest_is_still_told() -> None:
    with postgres_away():
        found = read()
    assert found["portal_source_up", labels(source="postgres")] == 0
    assert found["portal_source_up", labels(source="redis")] == 1
    assert not [key for key in found if key[0].startswith("portal_mirror")]
    assert ("portal_live_sockets", ()) in found and ("process_resident_memory_bytes", ()) in found


@pytest.mark.django_db
def test_many_readers_cost_one_look(django_assert_num_queries: Callable[[int], object]) -> None:
    metrics.registry.cache_clear()
    headers = {"authorization": f"Bearer {TOKEN}"}
    Client().get("/metrics", headers=headers)
    with django_assert_num_queries(0):  # type: ignore[attr-defined]  # a context manager of pytest-django
        assert Client().get("/metrics", headers=headers).status_code == 200
