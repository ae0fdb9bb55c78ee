"""Fragments and a stream over the mirror, for the tests of the live path."""

import time
from collections.abc import Iterable
from html import escape
from typing import Any

from apps.accounts import permissions
from apps.accounts.models import Role
from apps.live import fragments, mirror, streams, topics
from apps.live.fragments import Fragment, Rows
from apps.live.models import ClusterObject
from apps.live.rows import Event, Row
from apps.live.streams import Stream
from apps.live.viewers import Viewer

VIEW = permissions.register("live_test.view", role=Role.VIEWER, label="See test pods").code
LEND = permissions.register("live_test.lend", role=Role.OPERATOR, label="Lend test pods").code
asked: dict[str, int] = {"pods": 0, "lines": 0}
slowness: dict[str, float] = {"lines": 0.0}
read_from: list[int] = []


def pods(viewer: Viewer, *, cluster_id: int, limit: int = 50, cluster: str = "") -> dict[str, Any]:
    asked["pods"] += 1
    found = mirror.objects(cluster_id, "pods")
    rows = list(found.values("id", "version", "name", "data")[:limit])
    return {"rows": rows, "count": found.count()}


def pods_topics(*, cluster_id: int, **_more: Any) -> Iterable[str]:
    return [topics.kind(cluster_id, "pods")]


def count(viewer: Viewer, *, cluster_id: int, cluster: str = "") -> dict[str, Any]:
    role = "may lend" if viewer.may(LEND, cluster) else "may look"
    return {"count": mirror.objects(cluster_id, "pods").count(), "role": role, "finished": cluster_id == 99}


def lines_after(args: fragments.Args, cursor: int, limit: int) -> tuple[str, int]:
    asked["lines"] += 1
    read_from.append(cursor)
    time.sleep(slowness["lines"])
    found = ClusterObject.objects.filter(
        cluster_id=args["cluster_id"], kind="lines", name__gt=f"{cursor:09d}"
    )
    names = list(found.order_by("name").values_list("name", flat=True)[:limit])
    html = "".join(f"<p>{escape(name)}</p>" for name in names)
    return html, int(names[-1]) if names else cursor


PODS = Fragment(
    name="live_test.pods",
    template="live_test/pods.html#table",
    context=pods,
    topics=pods_topics,
    permission=VIEW,
    rows=Rows(template="live_test/pods.html#row", summary="live_test/pods.html#summary"),
)
FORMS = Fragment(
    name="live_test.forms",
    template="live_test/forms.html#table",
    context=pods,
    topics=pods_topics,
    permission=VIEW,
    rows=Rows(template="live_test/forms.html#row", summary="live_test/forms.html#summary"),
)
COUNT = Fragment(
    name="live_test.count",
    template="live_test/count.html",
    context=count,
    topics=pods_topics,
    permission=VIEW,
)
SECRET = Fragment(
    name="live_test.secret",
    template="live_test/count.html",
    context=count,
    topics=pods_topics,
    permission=LEND,
)
LINES = Stream(
    name="live_test.lines",
    read_after=lines_after,
    topics=lambda *, cluster_id: [topics.lines(cluster_id)],
    permission=VIEW,
)


def register() -> None:
    for fragment in (PODS, FORMS, COUNT, SECRET):
        fragments.register(fragment)
    streams.register(LINES)


def unregister() -> None:
    for fragment in (PODS, FORMS, COUNT, SECRET):
        fragments.unregister(fragment.name)
    streams.unregister(LINES.name)


def pod(name: str, version: int, phase: str = "Running") -> Row:
    return Row("default", name, f"uid-{name}", version, {}, {"phase": phase})


def set_pods(cluster_id: int, *names: str, version: int = 1) -> None:
    mirror.replace(cluster_id, "pods", [pod(name, version) for name in names], version)


def change(cluster_id: int, name: str, version: int, phase: str) -> None:
    mirror.apply(cluster_id, "pods", [Event(pod(name, version, phase))])


def write_lines(cluster_id: int, first: int, last: int) -> None:
    rows = [
        ClusterObject(cluster_id=cluster_id, kind="lines", name=f"{n:09d}") for n in range(first, last + 1)
    ]
    ClusterObject.objects.bulk_create(rows)
