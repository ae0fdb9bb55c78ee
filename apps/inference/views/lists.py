"""The lists: every filter, sort and page is in the address, so that a link shows a colleague the same."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.clusters import selectors as clusters
from apps.clusters.models import Cluster
from apps.inference.permissions import VIEW
from apps.inference.selectors import pods
from apps.inference.statuses import Kind
from apps.live.paging import page_number, text

FILTER_WORDS = {
    "namespace": _("All namespaces"),
    "state": _("All states"),
    "node": _("All nodes"),
    "business": _("All businesses"),
    "app": _("All deployments"),
}


@require_safe
def pod_list(request: UserRequest, cluster: str) -> HttpResponse:
    """The cluster's pods."""
    row = opened(request, cluster)
    asked = {name: (text(request, name), values) for name, values in pods.choices(row.pk).items()}
    chosen = [(name, FILTER_WORDS[name], value, values) for name, (value, values) in asked.items()]
    return listed(request, row, "inference/pod_list.html", *pods.FILTERS, filters=chosen)


@require_safe
def service_list(request: UserRequest, cluster: str) -> HttpResponse:
    """The cluster's services."""
    return listed(request, opened(request, cluster), "inference/service_list.html")


@require_safe
def deployment_list(request: UserRequest, cluster: str) -> HttpResponse:
    """The cluster's deployments."""
    row = opened(request, cluster)
    return listed(request, row, "inference/deployment_list.html", "kind", kinds=Kind.choices)


def opened(request: UserRequest, cluster: str) -> Cluster:
    """The cluster, where this person may see what runs on it."""
    row = clusters.shown_cluster(request, cluster)
    policy.require_to_see(request.user, VIEW, cluster=row.slug)
    return row


def listed(request: UserRequest, row: Cluster, template: str, *names: str, **more: Any) -> HttpResponse:
    """Render a list page for what the address asks."""
    asked = {name: text(request, name) for name in ("q", "sort", *names)}
    return render(request, template, {"cluster": row, "page": page_number(request), **asked, **more})
