"""The Rollout tab of a pool: what is under way, another version with its plan, earlier versions."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.operations.services import Busy, operation_url
from apps.pools import selectors
from apps.pools.page import Tab, pool_page, register_tab
from apps.pools.permissions import ROLL_OUT
from apps.pools.refusals import PoolProblem
from apps.pools.rollouts import actions
from apps.pools.rollouts.forms import VersionForm
from apps.pools.rollouts.plan import NeedsRoom, Plan
from apps.pools.targets import PoolTarget
from apps.pools.views import go

register_tab(Tab("rollout", _("Rollout"), "pools:rollout"))


@require_safe
def rollout(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """The tab."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    return page(request, pool, VersionForm())


def page(
    request: UserRequest, pool: PoolTarget, form: VersionForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    """The tab with a form in some state, and what is said of it."""
    context = {
        **pool_page(request, pool.cluster, pool.namespace, pool.name, tab="rollout"),
        "form": form,
        "may_roll_out": policy.may(request.user, ROLL_OUT, cluster=pool.cluster),
        **more,
    }
    return render(request, "pools/rollout.html", context, status=status)


@require_safe
def preview(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """What the version in the query would do, or why it is refused."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    policy.require(request.user, ROLL_OUT, cluster=pool.cluster)
    form = VersionForm(request.GET)
    if not form.is_valid():
        return answer(request, pool, form, words=in_words(form), status=422)
    place = (pool.cluster_id, pool.namespace, pool.name)
    try:
        found = actions.preview(place, form.wish(), form.how())
    except (PoolProblem, Busy) as problem:
        return refused(request, pool, form, problem)
    return answer(request, pool, form, plan=found)


@require_POST
def start(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Begin, and show the operation; a refusal is said where the person looks."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    form = VersionForm(request.POST)
    if not form.is_valid():
        actions.roll_out_pool.permit(by=request.user, pool=pool)
        return answer(request, pool, form, words=in_words(form), status=422)
    try:
        begun = actions.roll_out_pool(
            by=request.user,
            pool=pool,
            wish=form.wish(),
            how=form.how(),
            reason=form.cleaned_data["reason"],
        )
    except (PoolProblem, Busy) as problem:
        return refused(request, pool, form, problem)
    return go(request, operation_url(begun.operation.pk))


def refused(
    request: UserRequest, pool: PoolTarget, form: VersionForm, problem: PoolProblem | Busy
) -> HttpResponse:
    """Why not; where a business has to give a pod up, the question which."""
    choices = problem.details["businesses"] if isinstance(problem, NeedsRoom) else []
    return answer(request, pool, form, words=str(problem), choices=choices, status=problem.problem_status)


def in_words(form: VersionForm) -> str:
    """What is wrong, in one line."""
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


def answer(
    request: UserRequest,
    pool: PoolTarget,
    form: VersionForm,
    *,
    plan: Plan | None = None,
    words: str = "",
    choices: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The plan, a refusal or a question: alone for htmx (whose frame swaps 422 only), else on the tab."""
    said = {"plan": plan, "words": words, "choices": choices or []}
    if request.headers.get("HX-Request") == "true":
        context = {"target": pool, "form": form, **said}
        return render(request, "pools/rollout.html#answer", context, status=422 if words else 200)
    return page(request, pool, form, status=status, **said)
