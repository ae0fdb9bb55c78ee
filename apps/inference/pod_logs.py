"""The log of a pod's container as a live stream of a page, with words for why nothing comes."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from apps.clusters import selectors as clusters
from apps.clusters.connections import connect
from apps.inference.permissions import VIEW
from apps.live import topics
from apps.live.fragments import Fragment
from apps.live.fragments import register as register_fragment
from apps.live.log_lines import html_of
from apps.live.logs import Follower, Open, followers
from apps.live.streams import Stream
from apps.live.streams import register as register_stream
from apps.live.viewers import Viewer

Key = tuple[int, str, str, str, bool]


def opener(cluster_id: int, namespace: str, pod: str, container: str, previous: bool) -> Callable[[], Open]:
    """How to open the log, with the cluster's credentials of the moment."""

    def now() -> Open:
        logs = connect(cluster_id).kubernetes.logs
        return partial(
            logs, pod, namespace=namespace, container=container, previous=previous, timestamps=True
        )

    return now


def follower_of(args: Mapping[str, Any]) -> Follower | None:
    """The container's follower in this process; None when too many logs are followed."""
    place = place_of(args)
    cluster_id, namespace, pod, container, previous = place
    topic = topics.log(cluster_id, namespace, pod, container)
    return followers.get(place, topic, opener(*place), follow=not previous)


def place_of(args: Mapping[str, Any]) -> Key:
    """Which log the arguments of stream and state name."""
    pk = clusters.by_slug(args["cluster"]).pk
    return pk, args["namespace"], args["pod"], args["container"], bool(args["previous"])


def read_lines(args: Mapping[str, Any], cursor: int, limit: int) -> tuple[str, int]:
    """The html of up to `limit` lines after the place `cursor`, and the place of the last."""
    follower = follower_of(args)
    lines = follower.read(cursor, limit) if follower else []
    return "".join(map(html_of, lines)), lines[-1].place if lines else cursor


def log_topics(*, cluster: str, namespace: str, pod: str, container: str, **_args: Any) -> Iterable[str]:
    """New lines of the container."""
    return (topics.log(clusters.by_slug(cluster).pk, namespace, pod, container),)


def state_context(_viewer: Viewer, **args: Any) -> dict[str, Any]:
    """`words`: why nothing comes, "" while the log is followed."""
    found = follower_of(args)
    if found is None:
        return {"words": _("Too many logs are being followed. Close one, or try again in a minute.")}
    return {"words": str(found.state)}


LINES = register_stream(
    Stream(name="inference.pod_log", read_after=read_lines, topics=log_topics, permission=VIEW)
)
STATE = register_fragment(
    Fragment(
        name="inference.pod_log_state",
        template="inference/pod_detail.html#log_state",
        context=state_context,
        topics=log_topics,
        permission=VIEW,
    )
)
