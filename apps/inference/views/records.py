"""Records: who deployed what and when, and the manifests of every revision."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.clusters import selectors as clusters
from apps.inference.permissions import VIEW
from apps.inference.selectors import history
from apps.inference.shapes import as_yaml
from apps.live import paging
from apps.live.paging import page_number, text

HEADERS = (
    ("name", _("Deployment")),
    ("kind", _("Type")),
    ("model_id", _("Model")),
    ("created_by", _("By")),
    ("created_at", _("Deployed")),
    ("removed_at", _("Removed")),
    ("", _("Again")),
)


@require_safe
def record_list(request: UserRequest, cluster: str) -> HttpResponse:
    """The cluster's records, newest first."""
    row = clusters.cluster(request.user, cluster)
    policy.require(request.user, VIEW, cluster=row.slug)
    asked = {"q": text(request, "q"), "sort": text(request, "sort")}
    found = history.record_page(row.pk, **asked, page=page_number(request))
    context = {"cluster": row, "page": found, "headers": paging.headers(HEADERS, asked), **asked}
    return render(request, "inference/record_list.html", context)


@require_safe
def record_detail(request: UserRequest, cluster: str, pk: int) -> HttpResponse:
    """One record with its revisions."""
    row = clusters.cluster(request.user, cluster)
    policy.require(request.user, VIEW, cluster=row.slug)
    record = history.record(row, pk)
    revisions = [(revision, as_yaml(revision.manifests)) for revision in record.revisions.all()]
    context = {"cluster": row, "record": record, "revisions": revisions}
    return render(request, "inference/record_detail.html", context)
