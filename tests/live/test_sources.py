"""Sources against a development cluster: what it says gets into the mirror, whatever
goes wrong on the way.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec
import pytest
from django.db import connections

from apps.gateways.connection import from_kubeconfig
from apps.gateways.kubernetes import Kubernetes
from apps.live import mirror, syncing
from apps.live.kinds import Kind, Metadata
from apps.live.models import ClusterObject, SyncState
from apps.live.rows import Row
from apps.live.sources import ClusterSources, PollSource
from tests import processes
from tests.processes import until

KIND = "live-configmaps"


class ConfigMap(msgspec.Struct):
    metadata: Metadata
    data: dict[str, str] | None = None


CONFIGMAPS = Kind(KIND, "configmaps", ConfigMap, lambda found: found.data or {})


class Far:
    """A namespace of the test's own in the development cluster."""

    def __init__(self, admin: Kubernetes) -> None:
        self.admin = admin
        self.namespace = f"live-{uuid.uuid4().hex[:8]}"
        admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})

    def set(self, name: str, **data: str) -> None:
        meta = {"name": name, "namespace": self.namespace}
        self.admin.apply(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}, force=True
        )

    def misbehave(self, **mishap: Any) -> None:
        self.admin.transport.request("POST", "/devcluster/mishaps", body=mishap)

    def behave(self) -> None:
        self.admin.transport.request("DELETE", "/devcluster/mishaps")

    def mirrored(self, cluster_id: int = 1) -> dict[str, Any]:
        found = mirror.objects(cluster_id, KIND).filter(namespace=self.namespace)
        return {each.name: each.data for each in found if each.name != "kube-root-ca.crt"}

    def shows(self, cluster_id: int = 1, **expected: Any) -> None:
        until(
            lambda: self.mirrored(cluster_id) == expected, what=f"{expected}, is {self.mirrored(cluster_id)}"
        )


@pytest.fixture
def far(devcluster: processes.Devcluster, transactional_db: None) -> Iterator[Far]:
    made = Far(Kubernetes(from_kubeconfig(devcluster.admin_kubeconfig), timeout=30))
    yield made
    made.behave()
    made.admin.delete("namespaces", made.namespace)


Start = Callable[..., ClusterSources]


@pytest.fixture
def start(far: Far) -> Iterator[Start]:
    """`start()` follows the far side's config maps as cluster 1 until the test ends."""
    begun: list[ClusterSources] = []

    def begin(*, cluster_id: int = 1, connect: Any = None, relist: float = 600) -> ClusterSources:
        made = ClusterSources(
            cluster_id, connect or (lambda: far.admin), followed=[CONFIGMAPS], relist=relist
        )
        begun.append(made)
        made.start()
        return made

    yield begin
    for made in begun:
        made.close()
    connections.close_all()


def state(cluster_id: int = 1) -> SyncState:
    return mirror.sync_state(cluster_id, KIND)


def following(made: ClusterSources) -> None:
    until(lambda: made.health() == {KIND: "following"}, what="following")


def lists(made: ClusterSources) -> int:
    return made.sources[0].follower.lists


def test_it_lists_then_follows(far: Far, start: Start) -> None:
    far.set("one", a="1")
    start()
    far.shows(one={"a": "1"})
    far.set("two", b="2")
    far.set("one", a="3")
    far.shows(one={"a": "3"}, two={"b": "2"})
    far.admin.delete("configmaps", "one", namespace=far.namespace)
    far.shows(two={"b": "2"})
    assert state().loaded and not state().stale


def test_what_does_not_change_the_projection_writes_nothing(far: Far, start: Start) -> None:
    far.set("one", a="1")
    start()
    far.shows(one={"a": "1"})
    before = ClusterObject.objects.get(kind=KIND, namespace=far.namespace, name="one")
    body = {"metadata": {"annotations": {"note": "not in the projection"}}}
    far.admin.patch_merge("configmaps", "one", body, namespace=far.namespace)
    far.set("two", b="2")
    far.shows(one={"a": "1"}, two={"b": "2"})
    after = ClusterObject.objects.get(pk=before.pk)
    assert (after.version, after.resource_version) == (before.version, before.resource_version)


def test_a_cut_watch_goes_on_where_it_was(far: Far, start: Start) -> None:
    made = start()
    following(made)
    for number in range(10):
        far.set(f"n{number}", v=str(number))
        if number % 3 == 0:
            far.misbehave(kind="cut_watches", resource="configmaps")
    far.shows(**{f"n{number}": {"v": str(number)} for number in range(10)})
    assert not state().error


def look(far: Far, seen: list[int], wanted: int) -> bool:
    """Note every value that the mirror shows on the way to the wanted one."""
    seen.append(int(far.mirrored()["one"]["v"]))
    return seen[-1] == wanted


def test_a_forgotten_revision_means_a_new_list_and_never_an_older_state(far: Far, start: Start) -> None:
    far.set("one", v="0")
    made = start()
    following(made)
    seen = [0]
    for number in range(1, 6):
        far.misbehave(kind="answer", status=410, resource="configmaps", verb="watch", count=1)
        far.set("one", v=str(number))
        far.misbehave(kind="compact")
        far.misbehave(kind="cut_watches", resource="configmaps")
        until(partial(look, far, seen, number), what="the new value")
    assert seen == sorted(seen)
    assert lists(made) > 1


def test_an_event_that_was_never_told_is_healed_by_the_next_list(far: Far, start: Start) -> None:
    far.set("one", a="1")
    start(relist=1.5)
    far.shows(one={"a": "1"})
    row = ClusterObject.objects.get(kind=KIND, namespace=far.namespace, name="one")
    ClusterObject.objects.filter(pk=row.pk).update(data={"a": "wrong"}, resource_version=1)
    far.shows(one={"a": "1"})


def test_without_new_lists_the_loss_would_stay(far: Far, start: Start) -> None:
    """The sabotage of the test above: the same loss, and nothing that heals it."""
    far.set("one", a="1")
    start(relist=600)
    far.shows(one={"a": "1"})
    row = ClusterObject.objects.get(kind=KIND, namespace=far.namespace, name="one")
    ClusterObject.objects.filter(pk=row.pk).update(data={"a": "wrong"}, resource_version=1)
    time.sleep(2.5)
    assert far.mirrored() == {"one": {"a": "wrong"}}


def test_a_failing_cluster_is_said_to_fail_since_when_and_recovers(far: Far, start: Start) -> None:
    far.set("one", a="1")
    made = start()
    far.shows(one={"a": "1"})
    far.misbehave(kind="answer", status=503, path="^/(version|api/v1/configmaps)", ttl=60)
    far.misbehave(kind="cut_watches")
    until(lambda: state().error, what="an error")
    since = state().failing_since
    assert since is not None
    assert far.mirrored() == {"one": {"a": "1"}}
    far.behave()
    until(lambda: not state().error, what="recovery", seconds=40)
    following(made)
    far.set("one", a="2")
    far.shows(one={"a": "2"})


def test_a_cluster_that_hangs_is_noticed(far: Far, start: Start, devcluster: processes.Devcluster) -> None:
    hasty = Kubernetes(from_kubeconfig(devcluster.admin_kubeconfig), timeout=3)
    following(start(connect=lambda: hasty))
    far.misbehave(kind="hang", path="^/version$", seconds=30)
    until(lambda: state().error, what="an error", seconds=30)
    assert state().stale


def test_a_broken_cluster_slows_no_other(far: Far, start: Start) -> None:
    text = "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
    text += "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
    text += f"clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:{processes.free_port()}'}}}}]\n"
    text += "users: [{name: u, user: {token: t}}]\n"
    start(cluster_id=2, connect=lambda: Kubernetes(from_kubeconfig(text), timeout=3))
    start(cluster_id=3, connect=lambda: 1 / 0)
    start()
    until(lambda: state().loaded, what="the good cluster")
    for number in range(5):
        far.set("one", v=str(number))
        far.shows(one={"v": str(number)})
    until(lambda: state(2).error and state(3).error, what="the broken ones to say so")
    assert not state(2).loaded and not state().error


def test_a_source_that_was_replaced_stops(far: Far, start: Start) -> None:
    old = start()
    following(old)
    syncing.begin(1, KIND)
    far.set("one", a="1")
    until(lambda: old.fenced, what="the old one to stop")
    assert far.mirrored() == {}
    start()
    far.shows(one={"a": "1"})


def test_a_cluster_built_anew_is_taken_over(far: Far, start: Start) -> None:
    running: dict[str, Kubernetes] = {}

    def new(folder: processes.Devcluster) -> Far:
        running["now"] = Kubernetes(from_kubeconfig(folder.admin_kubeconfig))
        return Far(running["now"])

    with processes.devcluster("--nodes", "1", "--lag", "0") as first:
        old = new(first)
        for number in range(20):
            old.set(f"old-{number}", v="1")
        start(cluster_id=5, connect=lambda: running["now"])
        until(lambda: len(old.mirrored(5)) == 20, what="the first cluster")
    with processes.devcluster("--nodes", "1", "--lag", "0") as second:
        fresh = new(second)
        fresh.set("new", v="2")
        until(lambda: fresh.mirrored(5) == {"new": {"v": "2"}}, what="the second cluster", seconds=40)
        until(lambda: not old.mirrored(5), what="the first one's objects gone")


def test_what_the_database_refused_is_listed_again(far: Far, start: Start) -> None:
    made = start()
    following(made)
    with connections["default"].cursor() as cursor:
        cursor.execute("ALTER TABLE live_clusterobject RENAME TO live_away")
        try:
            far.set("one", a="1")
            until(lambda: lists(made) >= 2, what="a list that cannot be written")
        finally:
            cursor.execute("ALTER TABLE live_away RENAME TO live_clusterobject")
    far.shows(one={"a": "1"})
    following(made)


def test_a_poll_writes_differences_only(transactional_db: None) -> None:
    answers = [[Row("", "a", data={"n": 1}), Row("", "b")], [Row("", "a", data={"n": 2}), Row("", "c")]]
    poll = PollSource(7, "stacks", lambda: answers[0])
    poll.once()
    first = dict(ClusterObject.objects.filter(kind="stacks").values_list("name", "version"))
    poll.once()
    assert dict(ClusterObject.objects.filter(kind="stacks").values_list("name", "version")) == first
    answers.pop(0)
    poll.once()
    assert {each.name: each.data for each in mirror.objects(7, "stacks")} == {"a": {"n": 2}, "c": {}}


def test_a_failing_poll_says_so_and_goes_on(transactional_db: None) -> None:
    answers: list[Any] = [RuntimeError("AWS is away")]

    def ask() -> list[Row]:
        if isinstance(answers[0], Exception):
            raise answers[0]
        return [Row("", "a")]

    poll = PollSource(7, "stacks", ask, every=0.1)
    poll.start()
    until(lambda: mirror.sync_state(7, "stacks").error == "AWS is away", what="the error")
    answers[0] = None
    until(lambda: not mirror.sync_state(7, "stacks").error, what="recovery")
    poll.close()
    assert mirror.objects(7, "stacks").count() == 1


def test_a_quiet_cluster_stays_current_without_new_lists(far: Far, start: Start) -> None:
    made = start()
    following(made)
    until(lambda: state().seen_at, what="alive")
    before = state()
    until(lambda: state().seen_at != before.seen_at, what="the pulse")
    assert (state().synced_at, lists(made)) == (before.synced_at, 1)
