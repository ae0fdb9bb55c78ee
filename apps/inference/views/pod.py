"""One pod: what it is, what the cluster says of it, its log, its end."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.clusters import selectors as clusters
from apps.gateways.errors import GatewayError
from apps.inference import removal
from apps.inference.panel_forms import DeletePodForm, LogForm
from apps.inference.permissions import CHANGE, VIEW
from apps.inference.selectors import from_cluster, pod_detail
from apps.inference.targets import PodTarget
from apps.inference.views.panels import done, panel
from apps.live.log_lines import place_at

TABS = {"overview": _lazy("Overview"), "events": _lazy("Events"), "log": _lazy("Log")}


@require_safe
def detail(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """The pod with its tabs; `?tab=log` its log."""
    context = about(request, cluster, namespace, name)
    tab = request.GET.get("tab", "")
    context["tab"] = tab if tab in TABS else "overview"
    if context["tab"] == "log":
        context |= log_context(request, context["target"])
    return panel(request, "inference/pod_detail.html", context)


def about(request: UserRequest, cluster: str, namespace: str, name: str) -> dict[str, Any]:
    """What every answer about the pod needs. Raises Http404, Refused."""
    row = clusters.cluster(request.user, cluster)
    policy.require(request.user, VIEW, cluster=row.slug)
    target = pod_detail.target(request.user, cluster, namespace, name)
    may = policy.may(request.user, CHANGE, cluster=row.slug, business=target.business)
    return {"cluster": row, "target": target, "tabs": TABS.items(), "may_change": may}


def log_context(request: UserRequest, target: PodTarget) -> dict[str, Any]:
    """Which log to show, and from where on; `problem` where the cluster does not name the containers."""
    form, problem = log_form(request, target)
    wish = form.cleaned()
    asked = {"container": wish.container, "previous": "on" if wish.previous else "", "since": wish.since}
    place = {"cluster": target.cluster, "namespace": target.namespace, "name": target.name}
    query = urlencode({name: value for name, value in asked.items() if value})
    return {
        "log": wish,
        "log_form": form,
        "problem": problem,
        "log_cursor": place_at(timezone.now() - timedelta(seconds=wish.seconds)) if wish.seconds else 0,
        "log_id": f"log-{int(wish.previous)}-{wish.since}-{wish.container}",
        "log_url": f"{reverse('inference:pod_log', kwargs=place)}?{query}",
    }


def log_form(request: UserRequest, target: PodTarget) -> tuple[LogForm, str]:
    """The form of the log's controls, with the pod's containers."""
    try:
        manifest = from_cluster.pod(target.cluster_id, target.namespace, target.name)
    except GatewayError as error:
        return LogForm(request.GET, containers=[]), error.message
    names = [item["name"] for item in reversed(from_cluster.containers_of(manifest))]
    return LogForm(request.GET, containers=names), ""


@require_safe
@never_cache
def from_the_cluster(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Containers and conditions, or events, read from the cluster now; why not, in their place."""
    context = about(request, cluster, namespace, name)
    target: PodTarget = context["target"]
    part = "events" if request.GET.get("part") == "events" else "containers"
    place = (target.cluster_id, target.namespace)
    try:
        if part == "events":
            context["events"] = from_cluster.events(*place, "Pod", target.name)
        else:
            manifest = from_cluster.pod(*place, target.name)
            context |= {
                "containers": pod_detail.containers(manifest),
                "conditions": pod_detail.conditions(manifest),
            }
    except GatewayError as error:
        context["problem"] = error.message
    return render(request, f"inference/pod_detail.html#{part}", context)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Ask whether to delete the pod, or do it."""
    context = about(request, cluster, namespace, name)
    target: PodTarget = context["target"]
    if request.method != "POST":
        return question(request, context, DeletePodForm())
    form = DeletePodForm(request.POST)
    if not form.is_valid():
        return question(request, context, form, status=422)
    try:
        removal.delete_pod(by=request.user, pod=target, **form.cleaned_data)
    except removal.Lent as error:
        return question(
            request, context | {"problem": error.message, "lent": error.business}, form, status=422
        )
    url = reverse("inference:pod_list", kwargs={"cluster": target.cluster})
    return done(request, _("%(pod)s is being deleted.") % {"pod": target.name}, url)


def question(
    request: UserRequest, context: dict[str, Any], form: DeletePodForm, *, status: int = 200
) -> HttpResponse:
    """What goes, whom it concerns, and the button."""
    target: PodTarget = context["target"]
    lent = target.business if removal.is_lent(target) else ""
    context = {"form": form, "lent": lent, **context}
    return panel(request, "inference/pod_delete.html", context, status=status)
