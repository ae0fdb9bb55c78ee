"""One Service: what it selects, which addresses are behind it, its end."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.clusters import selectors as clusters
from apps.gateways import labels
from apps.inference import removal
from apps.inference.panel_forms import ReasonForm
from apps.inference.permissions import CHANGE, VIEW
from apps.inference.selectors import services
from apps.inference.targets import ServiceTarget
from apps.inference.views.panels import done, panel


@require_safe
def detail(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """The Service with its addresses."""
    context = about(request, cluster, namespace, name)
    return panel(request, "inference/service_detail.html", context)


def about(request: UserRequest, cluster: str, namespace: str, name: str) -> dict[str, Any]:
    """What every answer about the Service needs. Raises Http404, Refused."""
    row = clusters.cluster(request.user, cluster)
    policy.require(request.user, VIEW, cluster=row.slug)
    target = services.target(request.user, cluster, namespace, name)
    return {
        "cluster": row,
        "target": target,
        "may_change": policy.may(request.user, CHANGE, cluster=row.slug),
        "pool": target.labels.get(labels.MODEL, "") if removal.is_business(target.labels) else "",
        "why_not": removal.service_problem(target.labels),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Ask whether to delete the Service, or do it."""
    context = about(request, cluster, namespace, name)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return deleted(request, context["target"], form)
    context |= {"form": form, "addresses": services.addresses(context["cluster"].pk, namespace, name)}
    status = 422 if request.method == "POST" else 200
    return panel(request, "inference/service_delete.html", context, status=status)


def deleted(request: UserRequest, target: ServiceTarget, form: ReasonForm) -> HttpResponse:
    """Do it, and say so where the person looks."""
    removal.delete_service(by=request.user, service=target, **form.cleaned_data)
    url = reverse("inference:service_list", kwargs={"cluster": target.cluster})
    return done(request, _("%(name)s is deleted.") % {"name": target.name}, url)
