"""The JSON API of single objects: a pod's log and end, a deployment as the cluster has it."""

from datetime import timedelta
from typing import Annotated

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Path, Query, Router, Schema
from pydantic import Field

from apps.accounts import policy
from apps.clusters import choice
from apps.clusters import selectors as clusters
from apps.inference import removal
from apps.inference.permissions import VIEW
from apps.inference.pod_logs import opener
from apps.inference.selectors import deployments, from_cluster, pod_detail
from apps.inference.shapes import as_yaml
from apps.inference.targets import PodTarget
from apps.inference.views.pod_log import Pieces
from apps.live.leftovers import close_after
from apps.live.logs import Raw

router = Router(tags=["inference"])
LONGEST_SINCE = 30 * 24 * 3600


class LogIn(Schema):
    """Which log, and how much of it; `container` may be left out where there is only one."""

    container: str = Field("", max_length=63)
    previous: bool = Field(False, description="The run before the last restart")
    since: int | None = Field(None, ge=1, le=LONGEST_SINCE, description="Seconds back from now")
    tail: int | None = Field(None, ge=1, le=1_000_000, description="So many last lines")


class GoneOut(Schema):
    """It is being deleted."""

    success: bool = True
    message: str


@router.get("/pods/{namespace}/{name}/log", url_name="pod_log", summary="Log of a pod")
async def pod_log(
    request: HttpRequest, cluster: Path[str], namespace: Path[str], name: Path[str], wish: Query[LogIn]
) -> HttpResponseBase:
    """The log as the kubelet keeps it, as text, each line behind its time; it ends with the newest line."""
    raw = await sync_to_async(opened)(request, cluster, namespace, name, wish)
    kind = "text/plain; charset=utf-8"
    found = Pieces(raw)
    close_after(request, found.close)
    return StreamingHttpResponse(found, content_type=kind, headers={"Cache-Control": "no-store"})


def opened(request: HttpRequest, cluster: str, namespace: str, name: str, wish: LogIn) -> Raw:
    """The log's beginning. Raises Http404, Refused, GatewayError."""
    target = seen_pod(request, cluster, namespace, name)
    open_log = opener(target.cluster_id, namespace, name, wish.container, wish.previous)()
    since = timezone.now() - timedelta(seconds=wish.since) if wish.since else None
    raw = open_log(follow=False, since=since, tail=wish.tail)
    close_old_connections()  # the log may stream for minutes; the database connection is not its to hold
    return raw


def seen_pod(request: HttpRequest, cluster: str, namespace: str, name: str) -> PodTarget:
    """The pod, for people who may see it. Raises Http404, Refused."""
    user = choice.person(request)
    row = clusters.cluster(user, cluster)
    policy.require(user, VIEW, cluster=row.slug)
    return pod_detail.target(user, cluster, namespace, name)


@router.delete("/pods/{namespace}/{name}", url_name="pod", response=GoneOut, summary="Delete a pod")
def delete_pod(
    request: HttpRequest,
    cluster: Path[str],
    namespace: str,
    name: str,
    force: bool = False,
    reason: Annotated[str, Query(max_length=500)] = "",
) -> GoneOut:
    """Delete it; its deployment makes a new one. One that is lent goes only by `force` with a `reason`."""
    target = seen_pod(request, cluster, namespace, name)
    removal.delete_pod(by=choice.person(request), pod=target, force=force, reason=reason)
    return GoneOut(message=_("%(pod)s is being deleted.") % {"pod": name})


@router.get("/deployments/{namespace}/{name}/manifest", url_name="deployment_manifest", summary="YAML")
def deployment_manifest(request: HttpRequest, cluster: Path[str], namespace: str, name: str) -> HttpResponse:
    """The Deployment as the cluster has it now, as YAML, without managedFields and secrets."""
    user = choice.person(request)
    row = clusters.cluster(user, cluster)
    policy.require(user, VIEW, cluster=row.slug)
    target = deployments.target(user, cluster, namespace, name)
    text = as_yaml([from_cluster.shown(from_cluster.deployment(row.pk, namespace, target.name))])
    return HttpResponse(text, content_type="application/yaml", headers={"Cache-Control": "no-store"})
