"""The live regions of deployments, pods and services."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.clusters import selectors as clusters
from apps.inference import columns, detail_fragments, pod_logs  # noqa: F401  the latter register themselves
from apps.inference.permissions import CHANGE, VIEW
from apps.inference.selectors import deployments, pods, services
from apps.inference.selectors.deployments import DeploymentRow
from apps.inference.selectors.pods import PodRow
from apps.live import paging, topics
from apps.live.fragments import Fragment, Rows, register
from apps.live.viewers import Viewer

POD_HEADERS: tuple[tuple[str, Any], ...] = (
    ("name", _("Pod")),
    ("state", _("State")),
    ("#", _("Ready")),
    ("restarts#", _("Restarts")),
    ("node~", _("Node")),
    ("#~", _("GPUs")),
    ("created_at", _("Age")),
)
SERVICE_HEADERS = (
    ("name", _("Service")),
    ("type", _("Type")),
    ("", _("Selects")),
    ("#", _("Pods ready")),
    ("~", _("Cluster IP")),
    ("", _("Address")),
    ("", _("Ports")),
    ("created_at", _("Age")),
)
DEPLOYMENT_HEADERS: tuple[tuple[str, Any], ...] = (
    ("name", _("Deployment")),
    ("~", _("Type")),
    ("", _("Model")),
    ("ready#", _("Pods ready")),
    ("~", _("Service")),
    ("created_at~", _("Age")),
)


@dataclass(frozen=True)
class Cell:
    """One added cell of a pod's row."""

    template: str
    value: Any


@dataclass(frozen=True)
class PodLine:
    """A pod with its added cells, as the row template shows it."""

    pod: PodRow
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class DeploymentLine:
    """A deployment with its added cells, as the row template shows it."""

    row: DeploymentRow
    cells: tuple[Cell, ...]


def deployment_version(line: DeploymentLine) -> tuple[Any, ...]:
    """Differs whenever the row looks different."""
    row = line.row
    return row.version, row.created_by, row.operation_id, tuple(cell.value for cell in line.cells)


def pods_context(viewer: Viewer, *, cluster: str, **asked: Any) -> dict[str, Any]:
    """One page of pods with the columns that other apps added; `asked` as `pods.pod_page` takes it."""
    row = clusters.by_slug(cluster)
    found = pods.pod_page(row.pk, **asked)
    added = [(column.sort, str(column.title)) for column in columns.registered()]
    return {
        "cluster": row,
        "page": found,
        "rows": pod_lines(row.pk, found.rows),
        "headers": paging.headers([*POD_HEADERS, *added], found.asked),
        "freshness": clusters.freshness(row.pk, "pods"),
    }


def pod_lines(cluster_id: int, found: Sequence[PodRow]) -> list[PodLine]:
    """Each pod with its added cells."""
    loaded = [(column.template, column.load(cluster_id, found)) for column in columns.registered()]
    return [
        PodLine(pod, tuple(Cell(template, values.get(pod.id)) for template, values in loaded))
        for pod in found
    ]


def pods_topics(*, cluster: str, **_args: Any) -> Iterable[str]:
    """Pods, what the added columns follow, and the state of the mirror."""
    pk = clusters.by_slug(cluster).pk
    added = [topic for column in columns.registered() for topic in column.topics(pk)]
    return topics.kind(pk, "pods"), topics.sync(pk), *added


def services_context(
    viewer: Viewer, *, cluster: str, q: str = "", sort: str = "", page: int = 1
) -> dict[str, Any]:
    """One page of services with the addresses behind them."""
    row = clusters.by_slug(cluster)
    found = services.service_page(row.pk, q=q, sort=sort, page=page)
    return {
        "cluster": row,
        "headers": paging.headers(SERVICE_HEADERS, found.asked),
        "page": found,
        "rows": found.rows,
        "freshness": clusters.freshness(row.pk, "services", "endpointslices"),
    }


def services_topics(*, cluster: str, **_args: Any) -> Iterable[str]:
    """Services, their addresses, and the state of the mirror."""
    pk = clusters.by_slug(cluster).pk
    return topics.kind(pk, "services"), topics.kind(pk, "endpointslices"), topics.sync(pk)


def deployments_context(
    viewer: Viewer, *, cluster: str, q: str = "", kind: str = "", sort: str = "", page: int = 1
) -> dict[str, Any]:
    """One page of deployments, and records that the cluster has not shown yet."""
    row = clusters.by_slug(cluster)
    found = deployments.deployment_page(row.pk, q=q, kind=kind, sort=sort, page=page)
    added = [(column.sort, str(column.title)) for column in columns.registered_deployment()]
    return {
        "cluster": row,
        "headers": paging.headers([*DEPLOYMENT_HEADERS, *added, ("#", "")], found.asked),
        "page": found,
        "rows": deployment_lines(row.pk, found.rows),
        "waiting": deployments.waiting(row.pk),
        "freshness": clusters.freshness(row.pk, "deployments", "services"),
    }


def deployment_lines(cluster_id: int, found: Sequence[DeploymentRow]) -> list[DeploymentLine]:
    """Each deployment with its added cells."""
    added = columns.registered_deployment()
    loaded = [(column.template, column.load(cluster_id, found)) for column in added]
    return [
        DeploymentLine(row, tuple(Cell(template, values.get(row.id)) for template, values in loaded))
        for row in found
    ]


def deployments_topics(*, cluster: str, **_args: Any) -> Iterable[str]:
    """Deployments, their Services and added columns; operations, as records come and go with them."""
    pk = clusters.by_slug(cluster).pk
    added = [topic for column in columns.registered_deployment() for topic in column.topics(pk)]
    own = topics.kind(pk, "deployments"), topics.kind(pk, "services"), topics.sync(pk), topics.operations()
    return *own, *added


def detail_context(viewer: Viewer, *, cluster: str, namespace: str, app: str) -> dict[str, Any]:
    """One deployment: what the cluster has, and what we know of who asked for it."""
    row = clusters.by_slug(cluster)
    return {
        "cluster": row,
        "deployment": deployments.deployment_row(row.pk, namespace, app),
        "record": deployments.record_of(row, namespace, app),
        "may_change": viewer.may(CHANGE, cluster),
        "freshness": clusters.freshness(row.pk, "deployments"),
    }


def detail_topics(*, cluster: str, namespace: str, app: str) -> Iterable[str]:
    """The one deployment, its Services, and operations that end."""
    pk = clusters.by_slug(cluster).pk
    own = topics.object(pk, "deployments", namespace, app)
    return own, topics.kind(pk, "services"), topics.sync(pk), topics.operations()


def list_fragment(noun: str, context: Callable[..., Any], follow: Callable[..., Any], rows: Rows) -> Fragment:
    """A live table of one noun."""
    return register(
        Fragment(
            name=f"inference.{noun}s",
            template=f"inference/{noun}_list.html#table",
            context=context,
            topics=follow,
            permission=VIEW,
            rows=rows,
        )
    )


PODS = list_fragment(
    "pod",
    pods_context,
    pods_topics,
    Rows(
        template="inference/pod_list.html#row",
        dom_id=lambda line: f"pod-{line.pod.id}",
        version=lambda line: (line.pod.version, tuple(cell.value for cell in line.cells)),
        summary="live/paging.html#summary",
    ),
)
SERVICES = list_fragment(
    "service",
    services_context,
    services_topics,
    Rows(
        template="inference/service_list.html#row",
        dom_id=lambda row: f"service-{row.id}",
        version=lambda row: row.key,
        summary="live/paging.html#summary",
    ),
)
DEPLOYMENTS = list_fragment(
    "deployment",
    deployments_context,
    deployments_topics,
    Rows(
        template="inference/deployment_list.html#row",
        dom_id=lambda line: f"deployment-{line.row.id}",
        version=deployment_version,
        summary="live/paging.html#summary",
    ),
)
DETAIL = register(
    Fragment(
        name="inference.deployment",
        template="inference/deployment_detail.html#status",
        context=detail_context,
        topics=detail_topics,
        permission=VIEW,
    )
)
