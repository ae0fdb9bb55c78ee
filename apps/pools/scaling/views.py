"""The pool page's control for its size: what would go and why, then the change itself."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.operations.services import Busy, operation_url
from apps.pools import selectors
from apps.pools.permissions import SCALE
from apps.pools.refusals import PoolProblem
from apps.pools.scaling import actions
from apps.pools.scaling.planning import MOST, Plan
from apps.pools.targets import PoolTarget
from apps.pools.views import go


class SizeForm(forms.Form):
    """A size, and how long the last requests of pods that go may take."""

    replicas = forms.IntegerField(min_value=0, max_value=MOST, label=_("Pods"))
    timeout = forms.IntegerField(
        min_value=actions.SHORTEST, max_value=actions.LONGEST, required=False, label=_("Wait at most")
    )
    reason = forms.CharField(max_length=500, required=False)


@require_safe
def preview(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """What the size in the query would do: the pods that go and why, or why it is refused."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    policy.require(request.user, SCALE, cluster=pool.cluster)
    form = SizeForm(request.GET)
    if not form.is_valid():
        return answer(request, pool, words=form.errors.as_text(), status=422)
    try:
        place = (pool.cluster_id, pool.namespace, pool.name)
        found = actions.preview(place, form.cleaned_data["replicas"])
    except (PoolProblem, Busy) as problem:
        return answer(request, pool, words=str(problem), status=problem.problem_status)
    return answer(request, pool, plan=found)


@require_POST
def scale(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Begin, and show the operation; a refusal is said where the person looks."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    form = SizeForm(request.POST)
    if not form.is_valid():
        actions.scale_pool.permit(by=request.user, pool=pool)
        return answer(request, pool, words=form.errors.as_text(), form=form, status=422)
    data = form.cleaned_data
    timeout = data["timeout"] or actions.REQUESTS_SECONDS
    try:
        operation = actions.scale_pool(
            by=request.user, pool=pool, replicas=data["replicas"], timeout=timeout, reason=data["reason"]
        )
    except (PoolProblem, Busy) as problem:
        return answer(request, pool, words=str(problem), status=problem.problem_status)
    return go(request, operation_url(operation.pk))


def answer(
    request: UserRequest,
    pool: PoolTarget,
    *,
    plan: Plan | None = None,
    words: str = "",
    form: SizeForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The preview or a refusal, alone for htmx (whose frame swaps 422 only), else as a page."""
    context = {"target": pool, "plan": plan, "words": words, "form": form}
    if request.headers.get("HX-Request") == "true":
        return render(request, "pools/scale.html#answer", context, status=422 if words else 200)
    return render(request, "pools/scale.html", context, status=status)
