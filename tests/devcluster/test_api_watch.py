"""LIST and WATCH over the wire: what a mirror relies on."""

from __future__ import annotations

import threading

import pytest

from tests.devcluster.client import Client, pod
from tests.processes import until

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.fixture
def pods(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods"


def test_pages_show_the_list_as_it_was_when_it_began(admin: Client, pods: str) -> None:
    for name in ("a", "b", "c"):
        admin.create(pods, pod(name))
    first = admin.get(f"{pods}?limit=1")
    admin.ask("DELETE", f"{pods}/b")
    admin.create(pods, pod("d"))
    rest = admin.get(f"{pods}?limit=5&continue={first['metadata']['continue']}")
    assert [item["metadata"]["name"] for item in rest["items"]] == ["b", "c"]
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert first["metadata"]["remainingItemCount"] == 2


def test_list_then_watch_misses_nothing(admin: Client, pods: str) -> None:
    since = admin.get(pods)["metadata"]["resourceVersion"]
    admin.create(pods, pod("a"))
    admin.patch(f"{pods}/a", {"metadata": {"labels": {"x": "1"}}})
    admin.ask("DELETE", f"{pods}/a")
    with admin.watch(f"{pods}?watch=1&resourceVersion={since}&timeoutSeconds=5") as events:
        told = [next(events) for _ in range(2)]
    assert [(event["type"], event["object"]["metadata"]["name"]) for event in told] == [
        ("ADDED", "a"),
        ("MODIFIED", "a"),
    ]


def test_an_object_that_leaves_the_selector_is_deleted_for_its_watcher(admin: Client, pods: str) -> None:
    created = admin.create(pods, pod("a", team="one"))["metadata"]["resourceVersion"]
    moved = admin.patch(f"{pods}/a", {"metadata": {"labels": {"team": "two"}}}).json()
    path = f"{pods}?watch=1&labelSelector=team%3Done&resourceVersion={created}&timeoutSeconds=5"
    with admin.watch(path) as events:
        event = next(event for event in events if event["type"] == "DELETED")
    assert event["object"]["metadata"]["labels"] == {"team": "one"}
    assert event["object"]["metadata"]["resourceVersion"] == moved["metadata"]["resourceVersion"]


def test_bookmarks_come_before_the_end(admin: Client, pods: str) -> None:
    path = f"{pods}?watch=1&allowWatchBookmarks=true&timeoutSeconds=3&resourceVersion="
    with admin.watch(path + admin.get(pods)["metadata"]["resourceVersion"]) as events:
        told = [event for event in events if event["type"] == "BOOKMARK"]
    assert int(told[-1]["object"]["metadata"]["resourceVersion"]) > 1000
    assert "spec" not in told[-1]["object"]


def test_the_streamed_list_ends_with_its_bookmark(admin: Client, pods: str) -> None:
    admin.create(pods, pod("a"))
    path = f"{pods}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    with admin.watch(path) as events:
        told = [next(events) for _ in range(2)]
    assert told[0]["type"] == "ADDED"
    assert told[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_a_forgotten_revision_is_told_in_the_stream(admin: Client, pods: str) -> None:
    with admin.watch(f"{pods}?watch=1&resourceVersion=1") as events:
        told = list(events)
    assert [(event["type"], event["object"]["code"]) for event in told] == [("ERROR", 410)]


def test_a_table_watch_sends_its_heads_once(admin: Client, pods: str) -> None:
    for name in ("a", "b"):
        admin.create(pods, pod(name))
    with admin.watch(f"{pods}?watch=1&timeoutSeconds=5", accept=TABLE) as events:
        told = [next(events)["object"] for _ in range(2)]
    assert [bool(table["columnDefinitions"]) for table in told] == [True, False]
    assert told[0]["rows"][0]["cells"][:3] == ["a", "0/1", "Pending"]


def test_a_watcher_that_leaves_is_forgotten(admin: Client, pods: str) -> None:
    with admin.watch(f"{pods}?watch=1&timeoutSeconds=60&resourceVersion=0"):
        open_now = until(lambda: admin.get("/devcluster/stats")["watches"])
    until(lambda: admin.get("/devcluster/stats")["watches"] < open_now, what="the watch to be forgotten")


def test_many_watchers_are_told_of_every_change(admin: Client, pods: str) -> None:
    since = admin.get(pods)["metadata"]["resourceVersion"]
    told: list[int] = []

    def follow() -> None:
        with admin.watch(f"{pods}?watch=1&timeoutSeconds=30&resourceVersion={since}") as events:
            added = (event for event in events if event["type"] == "ADDED")
            told.append(len([next(added) for _ in range(20)]))

    watchers = [threading.Thread(target=follow) for _ in range(5)]
    for watcher in watchers:
        watcher.start()
    for number in range(20):
        admin.create(pods, pod(f"p{number}"))
    for watcher in watchers:
        watcher.join(30)
    assert told == [20] * 5
