"""The tab Service Configuration of Deploy & test: a business service for any pool of the cluster."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_POST

from apps.accounts import permissions, policy
from apps.accounts.requests import UserRequest
from apps.clusters import selectors as clusters
from apps.clusters.models import Cluster
from apps.inference.tabs import Tab, register
from apps.pools import actions, selectors
from apps.pools.business import ServiceProblem
from apps.pools.forms import ServiceForm
from apps.pools.permissions import CHANGE_SERVICE
from apps.pools.targets import PoolTarget

TEMPLATE = "pools/service_tab.html"


class PoolServiceForm(ServiceForm):
    """A business service and its pool, named "namespace/name"."""

    pool = forms.ChoiceField(label=_lazy("Model pool"))
    field_order = ["pool", "name", "business", "external"]

    def __init__(self, *args: Any, cluster: Cluster, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.choices = [
            (f"{row.namespace}/{row.name}", described(row)) for row in selectors.pools(cluster.pk)
        ]
        self.fields["pool"].choices = self.choices  # type: ignore[attr-defined]


def described(row: selectors.PoolRow) -> str:
    """A pool in the list: its name and how it is."""
    words = _("%(name)s (%(model)s) · %(ready)d of %(replicas)d pods ready")
    return words % {
        "name": row.name,
        "model": row.model_id or "–",
        "ready": row.ready,
        "replicas": row.replicas,
    }


def context(request: UserRequest, cluster: Cluster) -> dict[str, Any]:
    """What the tab shows to begin with."""
    return described_form(request, cluster, PoolServiceForm(cluster=cluster))


def described_form(request: UserRequest, cluster: Cluster, form: PoolServiceForm) -> dict[str, Any]:
    """The tab with a form in some state."""
    return {
        "cluster": cluster,
        "form": form,
        "may_change": policy.may(request.user, CHANGE_SERVICE, cluster=cluster.slug),
        "refusal": permissions.get(CHANGE_SERVICE).refusal(),
    }


@require_POST
def create(request: UserRequest, cluster: str) -> HttpResponse:
    """Create the business service and stay on the tab; without htmx, go to the pool's page."""
    row = clusters.cluster(request.user, cluster)
    form = PoolServiceForm(request.POST, cluster=row)
    valid = form.is_valid()
    target = chosen(request, row)
    actions.create_business_service.permit(by=request.user, pool=target)
    if valid and begun(request, form, target):
        return done(request, row, target, form.cleaned_data["name"])
    return render(request, TEMPLATE, described_form(request, row, form), status=422)


def chosen(request: UserRequest, cluster: Cluster) -> PoolTarget:
    """The pool that was asked for, known or not: a refusal is written down with its name."""
    namespace, _slash, name = request.POST.get("pool", "")[:130].partition("/")
    return PoolTarget(cluster_id=cluster.pk, cluster=cluster.slug, namespace=namespace, name=name)


def begun(request: UserRequest, form: PoolServiceForm, pool: PoolTarget) -> bool:
    """Whether it was created; else the error stands beside its field."""
    try:
        actions.create_business_service(by=request.user, pool=pool, wish=form.wish())
    except ServiceProblem as problem:
        form.add_error(problem.field, problem.message)
        return False
    return True


def done(request: UserRequest, cluster: Cluster, pool: PoolTarget, name: str) -> HttpResponse:
    """A fresh form below the news."""
    if request.headers.get("HX-Request") != "true":
        return redirect("pools:pool_detail", cluster=cluster.slug, namespace=pool.namespace, name=pool.name)
    return render(request, TEMPLATE, {**context(request, cluster), "created": name, "pool": pool})


SERVICE = register(Tab("service", title=_lazy("Service Configuration"), template=TEMPLATE, context=context))
