"""The live regions of single pods and Services."""

from collections.abc import Iterable
from typing import Any

from apps.clusters import selectors as clusters
from apps.inference.permissions import VIEW
from apps.inference.selectors import pod_detail, services
from apps.live import topics
from apps.live.fragments import Fragment, register
from apps.live.viewers import Viewer


def pod_context(_viewer: Viewer, *, cluster: str, namespace: str, pod_name: str, part: str) -> dict[str, Any]:
    """One pod of the mirror, None when it is gone. `part`: its head or its facts."""
    row = clusters.by_slug(cluster)
    return {"cluster": row, "pod": pod_detail.pod_row(row.pk, namespace, pod_name), "part": part}


def pod_topics(*, cluster: str, namespace: str, pod_name: str, **_args: Any) -> Iterable[str]:
    """The one pod."""
    return (topics.object(clusters.by_slug(cluster).pk, "pods", namespace, pod_name),)


def service_context(_viewer: Viewer, *, cluster: str, namespace: str, service_name: str) -> dict[str, Any]:
    """One Service with every address behind it; None when it is gone."""
    row = clusters.by_slug(cluster)
    return {
        "cluster": row,
        "service": services.service_row(row.pk, namespace, service_name),
        "addresses": services.addresses(row.pk, namespace, service_name),
        "freshness": clusters.freshness(row.pk, "services", "endpointslices"),
    }


def service_topics(*, cluster: str, namespace: str, service_name: str) -> Iterable[str]:
    """The Service, and addresses that come, go or become ready."""
    pk = clusters.by_slug(cluster).pk
    return (
        topics.object(pk, "services", namespace, service_name),
        topics.kind(pk, "endpointslices"),
        topics.sync(pk),
    )


POD = register(
    Fragment(
        name="inference.pod",
        template="inference/pod_detail.html#part",
        context=pod_context,
        topics=pod_topics,
        permission=VIEW,
    )
)
SERVICE = register(
    Fragment(
        name="inference.service",
        template="inference/service_detail.html#facts",
        context=service_context,
        topics=service_topics,
        permission=VIEW,
    )
)
