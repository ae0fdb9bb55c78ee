"""App Status: what runs on the cluster, below Deploy & test; short, live, with a way to the whole lists."""

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.clusters import selectors as clusters
from apps.gateways import labels
from apps.inference import fragments
from apps.inference.permissions import VIEW
from apps.inference.selectors import services
from apps.live import mirror, topics
from apps.live.fragments import Fragment, register
from apps.live.viewers import Viewer

TITLES = {"pods": _("Pods"), "services": _("Services"), "deployments": _("Deployments")}
MOST_SERVICES = 500


def counts_context(viewer: Viewer, *, cluster: str, show: str) -> dict[str, Any]:
    """How many there are of each; `show` is the list that is open."""
    row = clusters.by_slug(cluster)
    counts = {kind: mirror.objects(row.pk, kind).count() for kind in TITLES}
    return {"cluster": row, "show": show, "counts": [(kind, TITLES[kind], counts[kind]) for kind in TITLES]}


def counts_topics(*, cluster: str, **_args: Any) -> Iterable[str]:
    """Every change of the three kinds."""
    pk = clusters.by_slug(cluster).pk
    return [topics.kind(pk, kind) for kind in TITLES]


def callable_context(viewer: Viewer, *, cluster: str) -> dict[str, Any]:
    """The services that can be called, models before others: (namespace/name, engine, ready addresses)."""
    row = clusters.by_slug(cluster)
    found = [item for item in services.services(row.pk) if item.callable and not item.deleting]
    chosen = [
        (f"{item.namespace}/{item.name}", item.labels.get(labels.MODEL_TYPE, ""), item.ready)
        for item in found
    ]
    return {"services": sorted(chosen, key=lambda item: (not item[1], item[0]))[:MOST_SERVICES]}


def callable_topics(*, cluster: str) -> Iterable[str]:
    """Services, and the addresses that make them ready."""
    pk = clusters.by_slug(cluster).pk
    return topics.kind(pk, "services"), topics.kind(pk, "endpointslices")


def status_fragment(kind: str, context: Callable[..., Any], follow: Callable[..., Any]) -> Fragment:
    """The first page of one list, with the rows of the whole list's own page."""
    whole = {"pods": fragments.PODS, "services": fragments.SERVICES, "deployments": fragments.DEPLOYMENTS}
    rows = whole[kind].rows
    assert rows is not None  # the lists have rows
    return register(
        Fragment(
            name=f"inference.status_{kind}",
            template=f"inference/app_status.html#{kind}",
            context=context,
            topics=follow,
            permission=VIEW,
            rows=rows,
        )
    )


COUNTS = register(
    Fragment(
        "inference.status_counts", "inference/app_status.html#counts", counts_context, counts_topics, VIEW
    )
)
CALLABLE = register(
    Fragment(
        "inference.callable", "inference/test_card.html#services", callable_context, callable_topics, VIEW
    )
)
PODS = status_fragment("pods", fragments.pods_context, fragments.pods_topics)
SERVICES = status_fragment("services", fragments.services_context, fragments.services_topics)
DEPLOYMENTS = status_fragment("deployments", fragments.deployments_context, fragments.deployments_topics)
