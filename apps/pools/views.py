"""Pages of the pools: the list, one pool, and the few forms on it."""

import json
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.clusters import selectors as clusters
from apps.operations.models import Operation
from apps.operations.services import operation_url
from apps.pools import actions, selectors
from apps.pools.business import ServiceProblem
from apps.pools.forms import HOW, MoveForm, ServiceForm
from apps.pools.models import Intent
from apps.pools.page import pool_page
from apps.pools.permissions import ASSIGN
from apps.pools.refusals import NeedsForce
from apps.pools.shares.asking import MINUTES, NeedsShare
from apps.pools.targets import PodTarget, PoolTarget


@require_safe
def pool_list(request: UserRequest, cluster: str) -> HttpResponse:
    """The cluster's pools."""
    return render(request, "pools/pool_list.html", {"cluster": clusters.cluster(request.user, cluster)})


@require_safe
def pool_detail(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """One pool: its board."""
    return board(request, selectors.pool_target(request.user, cluster, namespace, name), ServiceForm())


def board(request: UserRequest, pool: PoolTarget, form: ServiceForm, *, status: int = 200) -> HttpResponse:
    """The pool's board with the form of a new business in some state."""
    context = pool_page(request, pool.cluster, pool.namespace, pool.name, tab="board")
    return render(request, "pools/pool_detail.html", {**context, "form": form, "hows": HOW}, status=status)


@require_safe
def pool_pods(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """The pool's pods as a table."""
    return render(request, "pools/pool_pods.html", pool_page(request, cluster, namespace, name, tab="pods"))


@require_POST
def move(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Move a pod; a change that harms is asked about first, in the place of the answer."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    form = MoveForm(request.POST)
    if not form.is_valid():
        actions.assign_pod.permit(by=request.user, pod=named_pod(pool, request))
        return refused(request, pool, form, form.errors.as_text(), status=422)
    try:
        done = act(request, pool, form)
    except NeedsForce as question:
        return refused(request, pool, form, question.message, status=409, ask=question)
    return moved(request, pool, done)


def named_pod(pool: PoolTarget, request: UserRequest) -> PodTarget:
    """The pod and business of a form that cannot be read, for the refusal of people who may not move any."""
    return PodTarget(pool, request.POST.get("pod", "")[:253], request.POST.get("business", "")[:63])


def act(request: UserRequest, pool: PoolTarget, form: MoveForm) -> Intent | Operation:
    """At once or drained; `auto` drains a lent pod that has requests in hand."""
    data = form.cleaned_data
    pod = PodTarget(pool, data["pod"], data["business"])
    seen: dict[str, Any] = {
        "origin": data["origin"] or None,
        "force": data["force"],
        "share": form.answer(),
        "reason": data["reason"],
    }
    how = data["how"] or "auto"
    may = policy.may(request.user, ASSIGN, cluster=pool.cluster)  # else the action refuses, and audits that
    if how == "drained" or (how == "auto" and may and actions.has_requests(pod)):
        timeout = data["timeout"] or actions.DRAIN_SECONDS
        return actions.drain_pod(by=request.user, pod=pod, timeout=timeout, **seen)
    return actions.assign_pod(by=request.user, pod=pod, **seen)


def moved(request: UserRequest, pool: PoolTarget, done: Intent | Operation) -> HttpResponse:
    """A toast for htmx, whose page is updated by its socket; else back to the page, or to the operation."""
    if isinstance(done, Operation):
        text, url = _("%(pod)s is being drained.") % {"pod": done.target_name}, operation_url(done.pk)
    else:
        text, url = _("%(pod)s has changed hands.") % {"pod": done.pod_name}, pool_url(pool)
    if request.headers.get("HX-Request") != "true":
        return redirect(url)
    return toast(HttpResponse(""), "success", text)


def refused(
    request: UserRequest,
    pool: PoolTarget,
    form: MoveForm,
    words: str,
    *,
    status: int,
    ask: NeedsForce | None = None,
) -> HttpResponse:
    """The refusal where the person looks: as a question with a button, or as plain words."""
    shares = isinstance(ask, NeedsShare)
    context = {"target": pool, "form": form, "words": words, "ask": ask, "shares": shares, "minutes": MINUTES}
    if request.headers.get("HX-Request") == "true":  # the frame swaps 422 only (templates/base.html)
        return render(request, "pools/question.html#question", context, status=422)
    return render(request, "pools/question.html", context, status=status)


@require_POST
def create_service(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Create a business service."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    form = ServiceForm(request.POST)
    if not form.is_valid():
        actions.create_business_service.permit(by=request.user, pool=pool)
    else:
        try:
            actions.create_business_service(by=request.user, pool=pool, wish=form.wish())
            return redirect(pool_url(pool))
        except ServiceProblem as problem:
            form.add_error(problem.field, problem.message)
    return board(request, pool, form, status=422)


@require_POST
def delete_service(
    request: UserRequest, cluster: str, namespace: str, name: str, service: str
) -> HttpResponse:
    """Delete a business service; asks while pods serve."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    force = request.POST.get("force") == "on"
    try:
        operation = actions.delete_business_service(
            by=request.user, pool=pool, name=service, force=force, reason=request.POST.get("reason", "")[:500]
        )
    except NeedsForce as question:
        context = {"target": pool, "service": service, "words": question.message}
        if request.headers.get("HX-Request") == "true":
            return render(request, "pools/delete_service.html#question", context, status=422)
        return render(request, "pools/delete_service.html", context, status=409)
    return go(request, operation_url(operation.pk) if operation else pool_url(pool))


def pool_url(pool: PoolTarget) -> str:
    """The pool's page."""
    place = {"cluster": pool.cluster, "namespace": pool.namespace, "name": pool.name}
    return reverse("pools:pool_detail", kwargs=place)


def go(request: UserRequest, url: str) -> HttpResponse:
    """To another page, in the way that this request understands."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


def toast(response: HttpResponse, level: str, text: str) -> HttpResponse:
    """Have the page show a toast (static/js/portal.js)."""
    response["HX-Trigger"] = json.dumps({"toast": {"level": level, "text": text}})
    return response
