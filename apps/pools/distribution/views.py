"""The page of a distribution: parts, what they would do, and doing it."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.operations.services import Busy, operation_url
from apps.pools import selectors
from apps.pools.distribution import actions
from apps.pools.distribution.forms import DistributeForm
from apps.pools.distribution.plan import Plan
from apps.pools.page import pool_page
from apps.pools.permissions import ASSIGN
from apps.pools.refusals import NeedsForce, PoolProblem
from apps.pools.shares.asking import MINUTES
from apps.pools.targets import PoolTarget
from apps.pools.views import go, pool_url

PARTIAL = "pools/distribute.html#answer"


@dataclass(frozen=True)
class Answer:
    """What stands beside the form: a plan, a refusal in words, or nothing yet."""

    plan: Plan | None = None
    words: str = ""
    version: str = ""


@require_safe
def distribute(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """The form; with parts in the query also what they would do: a link shows a colleague the same."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    policy.require(request.user, ASSIGN, cluster=pool.cluster)
    asked = any(field.startswith("weight-") for field in request.GET)
    form = form_of(pool, request.GET if asked else None)
    answer, status = looked(pool, form) if asked else (Answer(), 200)
    return shown(request, pool, form, answer, status=status)


@require_POST
def start(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Begin, and show the operation. A refusal is said with what the plan would be now."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    form = form_of(pool, request.POST)
    if not form.is_valid():
        actions.distribute_pods.permit(by=request.user, pool=pool)
        return shown(request, pool, form, Answer(words=in_words(form)), status=422)
    try:
        begun = actions.distribute_pods(
            by=request.user,
            pool=pool,
            wanted=form.wanted(),
            how=form.chosen(),
            reason=form.cleaned_data["reason"],
        )
    except (PoolProblem, Busy) as problem:
        return refused(request, pool, form, problem)
    return go(request, operation_url(begun.operation.pk) if begun.operation else pool_url(pool))


def form_of(pool: PoolTarget, data: Any) -> DistributeForm:
    """The form for the businesses that the mirror knows."""
    found = selectors.pool(pool.cluster_id, pool.namespace, pool.name)
    options = [*found.businesses, *found.options[:1]] if found else []
    held = {business: found.status.distribution.get(business, 0) for business in options} if found else {}
    return DistributeForm(data, held=held)


def looked(pool: PoolTarget, form: DistributeForm) -> tuple[Answer, int]:
    """The plan, or why there is none; and the HTTP status."""
    if not form.is_valid():
        return Answer(words=in_words(form)), 422
    try:
        plan = actions.preview(pool, form.wanted())
    except (PoolProblem, Busy) as problem:
        return Answer(words=str(problem)), problem.problem_status
    return Answer(plan=plan, version=actions.token(plan)), 200


def refused(
    request: UserRequest, pool: PoolTarget, form: DistributeForm, problem: PoolProblem | Busy
) -> HttpResponse:
    """The refusal, above the plan as it would be now where there is one."""
    if isinstance(problem, NeedsForce | actions.StalePlan):
        again, _status = looked(pool, form)
        answer = Answer(plan=again.plan, words=again.words or str(problem), version=again.version)
    else:
        answer = Answer(words=str(problem))
    return shown(request, pool, form, answer, status=problem.problem_status)


def shown(
    request: UserRequest, pool: PoolTarget, form: DistributeForm, answer: Answer, *, status: int
) -> HttpResponse:
    """The answer alone for htmx (whose frame swaps 422 only), else the page.

    While somebody types, a plan that cannot be is an answer like another (200): browsers note each 422 as a
    fault.
    """
    context = {"form": form, "answer": answer, "target": pool, "minutes": MINUTES}
    if request.headers.get("HX-Request") == "true":
        refusal = status >= 400 and request.method == "POST"
        return render(request, PARTIAL, context, status=422 if refusal else 200)
    page = pool_page(request, pool.cluster, pool.namespace, pool.name, tab="")
    return render(request, "pools/distribute.html", {**page, **context}, status=status)


def in_words(form: DistributeForm) -> str:
    """The form's errors in one text, each with its field's label."""
    found = [
        f"{form.fields[name].label or name}: {' '.join(map(str, words))}"
        for name, words in form.errors.items()
    ]
    return " ".join(found)
