"""The mirror: what is written, what is not, and what hears of it."""

import time
from datetime import UTC, datetime

import pytest
from django.db import connection

from apps.live import kinds, mirror
from apps.live.models import ClusterObject
from apps.live.rows import Change, Event, Row

BORN = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def pod(name: str, version: int, business: str = "unassigned", **data: object) -> Row:
    return Row(
        "default", name, f"uid-{name}", version, {"business": business}, {"phase": "Running"} | data, BORN
    )


def names(cluster_id: int = 1) -> list[str]:
    return [found.name for found in mirror.objects(cluster_id, "pods")]


def versions() -> dict[str, int]:
    return {found.name: found.version for found in ClusterObject.objects.all()}


@pytest.mark.django_db
def test_a_list_makes_the_mirror_equal_to_it() -> None:
    mirror.replace(1, "pods", [pod("a", 1), pod("b", 2)], 2)
    changes = mirror.replace(1, "pods", [pod("b", 5, "production"), pod("c", 6)], 6)
    assert names() == ["b", "c"]
    assert mirror.objects(1, "pods").get(name="b").labels == {"business": "production"}
    seen = {(change.old and change.old.name, change.new and change.new.name) for change in changes}
    assert seen == {("b", "b"), ("a", None), (None, "c")}


@pytest.mark.django_db
def test_a_list_touches_no_other_kind_or_cluster() -> None:
    mirror.replace(1, "nodes", [Row("", "n1")], 1)
    mirror.replace(2, "pods", [pod("other", 1)], 1)
    mirror.replace(1, "pods", [], 9)
    assert (mirror.objects(1, "nodes").count(), mirror.objects(2, "pods").count()) == (1, 1)


@pytest.mark.django_db
def test_an_unchanged_projection_writes_nothing() -> None:
    mirror.replace(1, "pods", [pod("a", 1), pod("b", 2)], 2)
    before = versions()
    assert mirror.replace(1, "pods", [pod("a", 7), pod("b", 8)], 8) == []
    assert mirror.apply(1, "pods", [Event(pod("a", 9))]) == []
    assert versions() == before


@pytest.mark.django_db
def test_each_change_raises_the_version_once() -> None:
    mirror.apply(1, "pods", [Event(pod("a", 1)), Event(pod("b", 2))])
    before = versions()
    changes = mirror.apply(1, "pods", [Event(pod("a", 3, "x")), Event(pod("a", 4, "production"))])
    assert versions() == {"a": before["a"] + 1, "b": before["b"]}
    assert [(c.old.labels["business"], c.new.labels["business"]) for c in changes if c.old and c.new] == [
        ("unassigned", "production")
    ]


@pytest.mark.django_db
def test_a_late_event_never_turns_an_object_back() -> None:
    mirror.replace(1, "pods", [pod("a", 10, "production")], 10)
    assert mirror.apply(1, "pods", [Event(pod("a", 8, "testing"))]) == []
    assert mirror.apply(1, "pods", [Event(pod("a", 9), deleted=True)]) == []
    assert mirror.objects(1, "pods").get().labels == {"business": "production"}


@pytest.mark.django_db
def test_an_older_list_is_refused_unless_it_may_go_back() -> None:
    mirror.replace(1, "pods", [pod("a", 10)], 10)
    with pytest.raises(mirror.Older):
        mirror.replace(1, "pods", [], 9, may_go_back=False)
    assert names() == ["a"]
    mirror.replace(1, "pods", [], 9)
    assert names() == []


@pytest.mark.django_db
def test_a_deleted_and_made_again_object_is_seen_as_another() -> None:
    mirror.replace(1, "pods", [pod("a", 1)], 1)
    again = Row("default", "a", "uid-2", 5, {}, {}, BORN)
    changes = mirror.apply(1, "pods", [Event(pod("a", 4), deleted=True), Event(again)])
    assert [(change.old and change.old.uid, change.new and change.new.uid) for change in changes] == [
        ("uid-a", "uid-2")
    ]


@pytest.mark.django_db
def test_a_rebuilt_cluster_with_the_same_revisions_is_taken_over() -> None:
    mirror.replace(1, "pods", [pod("a", 1)], 1)
    mirror.replace(1, "pods", [Row("default", "a", "uid-new", 1, {}, {}, BORN)], 1)
    assert mirror.objects(1, "pods").get().uid == "uid-new"


@pytest.mark.django_db
def test_nul_characters_do_not_stop_the_mirror() -> None:
    mirror.replace(1, "pods", [pod("a", 1, message="bad\0text")], 1)
    mirror.apply(1, "pods", [Event(pod("b", 2, message="bad\0text"))])
    assert [found.data["message"] for found in mirror.objects(1, "pods")] == ["badtext", "badtext"]


@pytest.mark.django_db
def test_an_object_listed_twice_counts_once_with_its_later_state() -> None:
    mirror.replace(1, "pods", [pod("a", 1, "old"), pod("a", 2, "new")], 2)
    assert mirror.objects(1, "pods").get().labels == {"business": "new"}


@pytest.mark.django_db
def test_a_fenced_source_writes_nothing() -> None:
    mirror.replace(1, "pods", [pod("a", 1)], 1)
    with pytest.raises(mirror.Fenced):
        mirror.apply(1, "pods", [Event(pod("b", 2))], epoch=7)
    with pytest.raises(mirror.Fenced):
        mirror.replace(1, "pods", [], 3, epoch=7)
    assert names() == ["a"]


@pytest.mark.django_db
def test_hooks_hear_old_and_new_and_a_broken_one_stops_nobody() -> None:
    heard: list[tuple[int, list[Change]]] = []

    def broken(_cluster_id: int, _changes: list[Change]) -> None:
        raise RuntimeError("a fault of a higher app")

    kinds.on_change("hooked", broken)
    kinds.on_change("hooked", lambda cluster_id, changes: heard.append((cluster_id, changes)))
    mirror.apply(3, "hooked", [Event(pod("a", 1))])
    mirror.apply(3, "hooked", [Event(pod("a", 2))])
    assert [(cluster_id, [change.row.name for change in changes]) for cluster_id, changes in heard] == [
        (3, ["a"])
    ]


@pytest.mark.django_db
def test_a_list_loads_the_state_and_forgets_the_error() -> None:
    assert not mirror.sync_state(1, "pods").loaded
    mirror.replace(1, "pods", [], 3)
    state = mirror.sync_state(1, "pods")
    assert (state.loaded, state.stale, state.resource_version) == (True, False, 3)


@pytest.mark.django_db
def test_an_object_made_again_never_repeats_a_version() -> None:
    mirror.replace(1, "pods", [pod("a", 1)], 1)
    mirror.apply(1, "pods", [Event(pod("a", 2, "x"))])
    seen = versions()["a"]
    mirror.apply(1, "pods", [Event(pod("a", 3), deleted=True)])
    time.sleep(0.01)
    mirror.apply(1, "pods", [Event(pod("a", 4))])
    assert versions()["a"] > seen


@pytest.mark.django_db
def test_a_first_fill_does_not_search_the_table_for_every_row() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE live_clusterobject; ANALYZE live_clusterobject")  # the planner knows: empty
    before = searches()
    mirror.replace(1, "pods", [pod(f"pod-{number}", 1) for number in range(1000)], 1)
    assert searches() - before < 100


def searches() -> int:
    """How often this transaction has searched the mirror."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_scan + idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'live_clusterobject'"
        )
        return int(cursor.fetchone()[0])
