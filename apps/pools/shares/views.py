"""The Shares tab of a pool: who has what, what the portal did about it, and the few forms."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import policy as people
from apps.accounts.requests import UserRequest
from apps.audit.actions import Action
from apps.pools import selectors
from apps.pools.page import Tab, pool_page, register_tab
from apps.pools.permissions import SHARES
from apps.pools.refusals import PoolProblem, UnknownPool
from apps.pools.selectors import PoolRow
from apps.pools.shares import actions
from apps.pools.shares.forms import PodForm, SharesForm
from apps.pools.shares.status import status_of
from apps.pools.targets import PodTarget, PoolTarget
from apps.pools.views import go

register_tab(Tab("shares", _("Shares"), "pools:shares"))
SWITCHES = {
    "on": {"enabled": True, "paused": False},
    "off": {"enabled": False, "paused": False},
    "pause": {"paused": True},
    "resume": {"paused": False},
}


@require_safe
def shares(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """The tab."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    return page(request, pool, form_of(pool, None))


def page(request: UserRequest, pool: PoolTarget, form: SharesForm, *, words: str = "") -> HttpResponse:
    """The tab with the form in some state, and a refusal above it."""
    context = {
        **pool_page(request, pool.cluster, pool.namespace, pool.name, tab="shares"),
        "form": form,
        "words": words,
        "may_share": people.may(request.user, SHARES, cluster=pool.cluster),
    }
    return render(request, "pools/shares.html", context, status=422 if words else 200)


def form_of(pool: PoolTarget, data: object) -> SharesForm:
    """The form for the businesses that the mirror knows."""
    found = status_of(row_of(pool))
    return SharesForm(data, policy=found.policy, lines=found.lines)


def row_of(pool: PoolTarget) -> PoolRow:
    """The pool in the mirror."""
    found = selectors.pool(pool.cluster_id, pool.namespace, pool.name)
    if found is None:
        raise UnknownPool(str(_("This pool is gone.")))
    return found


@require_POST
def save(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Replace the shares."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    form = form_of(pool, request.POST)
    if not form.is_valid():
        actions.set_shares.permit(by=request.user, pool=pool)
        return page(request, pool, form, words=in_words(form))
    try:
        actions.set_shares(by=request.user, pool=pool, wish=form.wish(), reason=form.cleaned_data["reason"])
    except PoolProblem as problem:
        return page(request, pool, form, words=str(problem))
    return redirect(url(pool))


def in_words(form: forms.Form) -> str:
    """What is wrong, in one line."""
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


@require_POST
def switch(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """On, off, pause, resume."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    wanted = SWITCHES.get(request.POST.get("to", ""))
    if wanted is None:
        actions.switch_shares.permit(by=request.user, pool=pool)
        return refused(request, pool, str(_("Say on, off, pause or resume.")))
    how: dict[str, Any] = dict(wanted)
    return done(request, pool, lambda: actions.switch_shares(by=request.user, pool=pool, **how))


@require_POST
def end_exception(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """The named pod counts as every other one again."""
    return with_pod(request, cluster, namespace, name, actions.end_exception)


@require_POST
def clear_aside(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """The named pod may be lent again."""
    return with_pod(request, cluster, namespace, name, actions.clear_aside)


def with_pod(
    request: UserRequest, cluster: str, namespace: str, name: str, act: Action[None]
) -> HttpResponse:
    """Do something to the pod that the form names."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    form = PodForm(request.POST)
    if not form.is_valid():
        act.permit(by=request.user, pod=PodTarget(pool, ""))
        return refused(request, pool, in_words(form))
    pod = PodTarget(pool, form.cleaned_data["pod"])
    return done(request, pool, lambda: act(by=request.user, pod=pod))


def done(request: UserRequest, pool: PoolTarget, act: Callable[[], object]) -> HttpResponse:
    """Act, and show the tab; a refusal is said on it."""
    try:
        act()
    except PoolProblem as problem:
        return refused(request, pool, str(problem))
    return go(request, url(pool))


def refused(request: UserRequest, pool: PoolTarget, words: str) -> HttpResponse:
    """Why not: alone for htmx, else on the page."""
    if request.headers.get("HX-Request") == "true":
        return render(request, "pools/shares.html#refusal", {"words": words}, status=422)
    return page(request, pool, form_of(pool, None), words=words)


def url(pool: PoolTarget) -> str:
    """The tab's address."""
    place = {"cluster": pool.cluster, "namespace": pool.namespace, "name": pool.name}
    return reverse("pools:shares", kwargs=place)
