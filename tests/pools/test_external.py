"""What others do to pods: seen, written down with their name, and never mistaken for ours."""

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from apps.accounts.models import User
from apps.gateways import labels
from apps.live import mirror
from apps.live.rows import Event
from apps.live.stored import rows
from apps.pools.models import Holding
from apps.pools.statuses import Source
from tests.pools.checker import Recorder, faults
from tests.pools.world import World, assign
from tests.processes import until


@pytest.fixture(autouse=True)
def seen(world: World) -> None:
    world.mirror()


def newest(name: str) -> Holding:
    return Holding.objects.filter(pod_name=name).latest("pk")


def test_every_pod_has_one_interval_from_the_first_look(world: World) -> None:
    held = Holding.objects.filter(to_at=None)
    assert sorted(held.values_list("pod_name", flat=True)) == world.names()
    assert set(held.values_list("business", "source")) == {("unassigned", "cluster")}


def test_a_label_from_outside_is_written_down_with_its_writer_and_time(world: World) -> None:
    name = world.names()[0]
    with Recorder(world) as recorder:
        world.relabel(name, "production")
        world.mirror()
        row = newest(name)
        assert (row.source, row.business, row.previous) == (Source.EXTERNAL, "production", "unassigned")
        assert row.by and abs(row.from_at - datetime.now(UTC)) < timedelta(seconds=30)
        world.mirror()
        assert newest(name).pk == row.pk
        assert faults(world, recorder) == []


def test_rows_that_an_earlier_release_mirrored_do_not_stop_what_follows(world: World) -> None:
    """Such rows lack what this release added to the projection, until the first list of its watcher."""
    mirror.objects(world.cluster.pk, "pods").update(data={})
    name = world.names()[0]
    world.relabel(name, "production")
    with capture_logs() as logs:
        world.mirror()
    assert (newest(name).business, newest(name).source) == ("production", Source.EXTERNAL)
    assert [line for line in logs if line["event"] == "mirror_hook_failed"] == []


def test_a_late_row_of_the_mirror_is_not_taken_for_an_external_change(world: World, alice: User) -> None:
    name = world.names()[0]
    late = rows(mirror.objects(world.cluster.pk, "pods").filter(name=name, namespace=world.namespace))[0]
    with Recorder(world) as recorder:
        touch = {"metadata": {"annotations": {"example.com/touched": "before"}}}
        touched = world.outside.patch_merge("pods", name, touch, namespace=world.namespace)
        assign(world, alice, name, "production")
        told = {"data": {**late.data, "restarts": 7}}
        told["resource_version"] = int(touched["metadata"]["resourceVersion"])
        changed = type(late)(**{**vars_of(late), **told})
        mirror.apply(world.cluster.pk, "pods", [Event(changed)])
        assert newest(name).source == Source.PORTAL
        assert faults(world, recorder) == []


def vars_of(row: object) -> dict[str, object]:
    return {field: getattr(row, field) for field in row.__slots__}  # type: ignore[attr-defined]  # a slotted dataclass


def test_a_change_from_outside_before_ours_keeps_its_own_row(world: World, alice: User) -> None:
    name = world.names()[0]
    with Recorder(world) as recorder:
        world.relabel(name, "testing")
        assign(world, alice, name, "production", force=True)
        world.mirror()
        told = list(Holding.objects.filter(pod_name=name).order_by("pk").values_list("business", "source"))
        assert told == [("unassigned", "cluster"), ("testing", "external"), ("production", "portal")]
        assert faults(world, recorder) == []


def test_a_deleted_pod_closes_its_interval_and_its_successor_is_free(world: World, alice: User) -> None:
    name = world.names()[0]
    assign(world, alice, name, "production")
    world.outside.delete("pods", name, namespace=world.namespace, grace=0)
    world.wait_ready(4)
    until(lambda: name not in world.names(), what="the pod to be gone")
    world.mirror()
    assert newest(name).to_at is not None
    held = Holding.objects.filter(to_at=None)
    assert sorted(held.values_list("pod_name", flat=True)) == world.names()
    assert set(held.values_list("business", flat=True)) == {labels.UNASSIGNED}


def test_an_evicted_pod_is_a_corpse_and_holds_nothing(world: World, alice: User) -> None:
    name = world.names()[0]
    assign(world, alice, name, "production")
    world.mishap(kind="evict", namespace=world.namespace, name=name)
    until(lambda: not world.pod(name).alive, what="the eviction")
    world.mirror()
    assert newest(name).to_at is not None and world.business_of(name) == "production"
