"""The history tab of a pool, its export, and taking changes back."""

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.operations.services import Busy, operation_url
from apps.pools import selectors
from apps.pools.history import actions, exports
from apps.pools.history.forms import HistoryFilter, UndoForm
from apps.pools.history.selectors import choices, holdings
from apps.pools.history.undo import UndoPlan
from apps.pools.page import Tab, pool_page, register_tab
from apps.pools.permissions import ASSIGN
from apps.pools.refusals import PoolProblem
from apps.pools.shares.asking import MINUTES
from apps.pools.targets import PoolTarget
from apps.pools.views import go

register_tab(Tab("history", _("History"), "pools:history"))


@require_safe
def history(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Intervals by filter, 50 at a time, the timeline and the costs; the newest page stays live."""
    page = pool_page(request, cluster, namespace, name, tab="history")
    form = HistoryFilter(request.GET)
    valid = form.is_valid()
    record = selectors.record(page["target"].cluster_id, namespace, name)
    suggested = {field: list(choices(record, field)) for field in ("pod_name", "business", "by")}
    context = {**page, "form": form, "suggested": suggested, "query": form.query()}
    before = form.cleaned_data["before"] or 0 if valid else 0
    return render(request, "pools/history.html", {**context, "before": before}, status=200 if valid else 422)


@require_safe
def export(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponseBase:
    """The intervals of the same filter as CSV, streamed."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    form = HistoryFilter(request.GET)
    if not form.is_valid():
        return history(request, cluster, namespace, name)
    return exports.as_file(form.narrow(holdings(pool.cluster_id, namespace, name)), pool.name)


@require_safe
def undo(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """What taking the change in the query back would do."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    policy.require(request.user, ASSIGN, cluster=pool.cluster)
    form = UndoForm(request.GET)
    return shown(request, pool, form.cleaned_data["change"] if form.is_valid() else "")


@require_POST
def undo_start(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Take it back, and show the operation."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    form = UndoForm(request.POST)
    if not form.is_valid():
        actions.undo_changes.permit(by=request.user, pool=pool)
        return shown(request, pool, "", words=form.errors.as_text(), status=422)
    said = {name: form.cleaned_data[name] for name in ("change", "force", "reason")}
    try:
        operation = actions.undo_changes(by=request.user, pool=pool, share=form.answer(), **said)
    except (PoolProblem, Busy) as problem:
        return shown(request, pool, said["change"], words=str(problem), status=problem.problem_status)
    return go(request, operation_url(operation.pk))


def shown(
    request: UserRequest, pool: PoolTarget, change: str, *, words: str = "", status: int = 200
) -> HttpResponse:
    """The page of a change that may be taken back, or the words why not."""
    plan: UndoPlan | None = None
    try:
        plan = actions.preview(pool, change) if change or not words else None
    except (PoolProblem, Busy) as problem:
        words, status = str(problem), problem.problem_status
    page = pool_page(request, pool.cluster, pool.namespace, pool.name, tab="history")
    context = {**page, "plan": plan, "change": change, "words": words, "minutes": MINUTES}
    return render(request, "pools/undo.html", context, status=status)
