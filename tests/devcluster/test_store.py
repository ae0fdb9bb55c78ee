"""The store: revisions, preconditions, watches and what is forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from devcluster.errors import AlreadyExists, Conflict, Gone, NotFound
from devcluster.resources import resource
from devcluster.store import Store

PODS = resource("pods")
DEPLOYMENTS = resource("deployments")


def pod(name: str, namespace: str = "default", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": {"containers": [{"name": "main", "image": "x"}]},
    }


def test_it_fills_what_the_server_owns() -> None:
    store = Store(now=lambda: 0.0)
    made = store.create(PODS, pod("a"))["metadata"]
    assert made["resourceVersion"] == str(store.revision)
    assert made["creationTimestamp"] == "1970-01-01T00:00:00Z"
    assert len(made["uid"]) == 36


def test_it_refuses_a_second_of_the_same_name() -> None:
    store = Store()
    store.create(PODS, pod("a"))
    with pytest.raises(AlreadyExists) as refused:
        store.create(PODS, pod("a"))
    assert refused.value.message == 'pods "a" already exists'


def test_it_lists_in_order_of_namespace_and_name() -> None:
    store = Store()
    for namespace, name in (("b", "1"), ("a", "2"), ("a", "1")):
        store.create(PODS, pod(name, namespace))
    assert [(o["metadata"]["namespace"], o["metadata"]["name"]) for o in store.list(PODS)] == [
        ("a", "1"),
        ("a", "2"),
        ("b", "1"),
    ]
    assert len(store.list(PODS, "a")) == 2


def test_a_stale_write_conflicts_and_an_unversioned_one_does_not() -> None:
    store = Store()
    old = store.create(PODS, pod("a"))
    store.update(PODS, pod("a", labels={"x": "1"}))
    with pytest.raises(Conflict):
        store.update(PODS, {**old, "spec": {"nodeName": "n"}})


def test_an_equal_write_makes_no_revision() -> None:
    store = Store()
    made = store.create(PODS, pod("a"))
    assert store.update(PODS, pod("a")) is made
    assert store.revision == int(made["metadata"]["resourceVersion"])


def test_generation_moves_with_the_spec_only() -> None:
    store = Store()
    body = {"metadata": {"name": "d", "namespace": "default"}, "spec": {"replicas": 1}}
    store.create(DEPLOYMENTS, body)
    store.update(DEPLOYMENTS, {**body, "status": {"replicas": 1}}, subresource="status")
    assert store.get(DEPLOYMENTS, "default", "d")["metadata"]["generation"] == 1
    changed = store.update(DEPLOYMENTS, {**body, "spec": {"replicas": 2}})
    assert changed["metadata"]["generation"] == 2
    assert changed["status"] == {"replicas": 1}


def test_a_watch_tells_everything_since_a_revision() -> None:
    store = Store()
    since = store.revision
    store.create(PODS, pod("a"))
    store.update(PODS, pod("a", labels={"x": "1"}))
    last = store.delete(PODS, "default", "a")
    events = store.watch(PODS, since=since).drain()
    assert [event.type for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    assert last["metadata"]["resourceVersion"] == str(store.revision)
    with pytest.raises(NotFound):
        store.get(PODS, "default", "a")


def test_a_forgotten_revision_is_gone() -> None:
    store = Store(history=2)
    for name in "abcd":
        store.create(PODS, pod(name))
    with pytest.raises(Gone):
        store.watch(PODS, since=1000)
    assert len(store.watch(PODS, since=store.revision - 2).drain()) == 2


def test_the_last_finalizer_lets_a_terminating_object_go() -> None:
    store = Store()
    store.create(PODS, pod("a", finalizers=["x/y"], deletionTimestamp="2026-01-01T00:00:00Z"))
    watch = store.watch(PODS)
    store.update(PODS, pod("a", deletionTimestamp="2026-01-01T00:00:00Z"))
    assert [event.type for event in watch.drain()] == ["DELETED"]


async def test_cutting_watches_ends_those_of_connections_only() -> None:
    store = Store()
    inside, outside = store.watch(PODS), store.watch(PODS, user="someone")
    assert store.cut_watches() == 1
    assert [event async for event in outside] == []
    assert not inside.closed
