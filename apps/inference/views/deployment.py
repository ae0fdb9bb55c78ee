"""One deployment's page, and what can be done to it."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.clusters import selectors as clusters
from apps.inference import actions, guards
from apps.inference.forms import ScaleForm, UndeployForm
from apps.inference.permissions import CHANGE, VIEW
from apps.inference.selectors import deployments
from apps.inference.statuses import Kind
from apps.inference.views.deployment_parts import question
from apps.inference.views.panels import go, in_panel, toast
from apps.operations.services import operation_url


@require_safe
def deployment_detail(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """The deployment with its pods, its record and its controls."""
    return page(request, cluster, namespace, name)


@require_POST
def scale(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Ask for a new number of pods."""
    target = deployments.target(request.user, cluster, namespace, name)
    actions.scale_deployment.permit(by=request.user, deployment=target)
    form = ScaleForm(request.POST)
    in_row = request.headers.get("HX-Request") == "true"
    if not form.is_valid():
        if in_row:
            words = form.errors["replicas"].as_text().removeprefix("* ")
            return toast(HttpResponse(status=422, headers={"HX-Reswap": "none"}), "danger", words)
        return page(request, cluster, namespace, name, status=422, scale_form=form)
    operation = actions.scale_deployment(by=request.user, deployment=target, **form.cleaned_data)
    if in_row:
        words = _("%(name)s is being scaled to %(replicas)s.") % {"name": name, **form.cleaned_data}
        return toast(HttpResponse(status=204), "success", words)
    return redirect("operations:detail", operation.pk)


@require_POST
def restart(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Replace every pod by a new one."""
    target = deployments.target(request.user, cluster, namespace, name)
    operation = actions.restart_deployment(by=request.user, deployment=target)
    return redirect("operations:detail", operation.pk)


@require_POST
def undeploy(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Remove the deployment."""
    target = deployments.target(request.user, cluster, namespace, name)
    actions.undeploy.permit(by=request.user, deployment=target)
    form = UndeployForm(request.POST)
    if not form.is_valid() and in_panel(request):
        return question(request, cluster, namespace, name, form, status=422)
    if not form.is_valid():
        return page(request, cluster, namespace, name, status=422, undeploy_form=form)
    operation = actions.undeploy(by=request.user, deployment=target, **form.cleaned_data)
    return go(request, operation_url(operation.pk))


def page(
    request: UserRequest, cluster: str, namespace: str, name: str, *, status: int = 200, **forms: Any
) -> HttpResponse:
    """The deployment's page, with a form that was refused beside what it was about."""
    row = clusters.cluster(request.user, cluster)
    policy.require(request.user, VIEW, cluster=row.slug)
    target = deployments.target(request.user, cluster, namespace, name)
    is_pool = target.kind is Kind.POOL
    context = {
        "cluster": row,
        "target": target,
        "may_change": policy.may(request.user, CHANGE, cluster=row.slug),
        "allowed": {verb: not is_pool or guards.handled(verb) for verb in guards.VERBS},
        "scale_form": ScaleForm(initial={"replicas": target.replicas}),
        "undeploy_form": UndeployForm(),
        **forms,
    }
    return render(request, "inference/deployment_detail.html", context, status=status)
