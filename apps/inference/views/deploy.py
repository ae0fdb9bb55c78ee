"""The form that deploys a model, and what it read from the command while somebody types."""

import uuid
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.clusters import selectors as clusters
from apps.clusters.models import Cluster
from apps.inference import actions
from apps.inference.forms import DeployForm
from apps.inference.permissions import CHANGE, VIEW
from apps.inference.selectors import history


@require_http_methods(["GET", "HEAD", "POST"])
def deploy(request: UserRequest, cluster: str) -> HttpResponse:
    """Show the form, or deploy what it says and go to the operation."""
    row = clusters.cluster(request.user, cluster)
    if request.method != "POST":
        policy.require(request.user, VIEW, cluster=row.slug)
        return page(request, row, DeployForm(cluster=row, initial=beginning(request, row)))
    actions.deploy_model.permit(by=request.user, cluster=row)
    form = DeployForm(request.POST, cluster=row)
    if not form.is_valid():
        return page(request, row, form, status=422)
    try:
        operation = actions.deploy_model(
            by=request.user,
            cluster=row,
            wish=form.wish,
            token=form.cleaned_data["token"],
            key=form.cleaned_data["key"],
        )
    except actions.NameTaken as error:
        form.add_error(error.field, str(error))
        return page(request, row, form, status=422)
    return redirect("operations:detail", operation.pk)


def beginning(request: UserRequest, cluster: Cluster) -> dict[str, Any]:
    """What the form begins with: a fresh request key, and with `?record=` what was deployed then."""
    key = {"key": uuid.uuid4().hex}
    pk = request.GET.get("record", "")
    if not (pk.isascii() and pk.isdigit() and len(pk) < 18):
        return key
    return key | history.wishes(history.record(cluster, int(pk)))


@require_POST
def preview(request: UserRequest, cluster: str) -> HttpResponse:
    """What the command says: engine, model, port, GPUs; or why it cannot be read. Answers 200 either way."""
    row = clusters.cluster(request.user, cluster)
    policy.require(request.user, VIEW, cluster=row.slug)
    form = DeployForm(request.POST, cluster=row)
    form.is_valid()
    return render(request, "inference/deploy.html#preview", {"cluster": row, "form": form})


def page(request: UserRequest, cluster: Cluster, form: DeployForm, *, status: int = 200) -> HttpResponse:
    """The form's page; its button is off for people who may not deploy."""
    may = policy.may(request.user, CHANGE, cluster=cluster.slug)
    return render(
        request, "inference/deploy.html", {"cluster": cluster, "form": form, "may_change": may}, status=status
    )
