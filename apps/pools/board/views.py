"""The board's door for moves; its script asks, and shows each pod's answer on its card."""

from dataclasses import asdict

from django import forms
from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_POST

from apps.accounts.requests import UserRequest
from apps.clusters import selectors as clusters
from apps.pools import actions, selectors
from apps.pools.actions import DRAIN_SECONDS, LONGEST, SHORTEST
from apps.pools.board.moving import MOST, Wanted, move_pods
from apps.pools.forms import HOW, ShareAnswer
from apps.pools.targets import PodTarget, PoolTarget


class Names(forms.Field):
    """A field that may come several times."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: object) -> list[str]:
        """As many names as may move at once, none longer than Kubernetes' own."""
        names = [str(each) for each in value] if isinstance(value, list) else []
        if not 0 < len(names) <= MOST:
            raise forms.ValidationError(_("Move 1 to %(most)s pods at once.") % {"most": MOST})
        if any(len(name) > 253 for name in names):
            raise forms.ValidationError(_("That is not a pod."))
        return names


class BoardForm(ShareAnswer):
    """A move of several pods; `origin` is what the board showed, in the order of `pod`."""

    pod = Names()
    origin = Names()
    business = forms.CharField(max_length=63, label=_lazy("To"))
    how = forms.ChoiceField(choices=HOW, required=False, label=_lazy("How"))
    timeout = forms.IntegerField(
        min_value=SHORTEST, max_value=LONGEST, required=False, label=_lazy("Wait at most")
    )
    force = forms.BooleanField(required=False)
    reason = forms.CharField(max_length=500, required=False)

    def clean(self) -> None:
        """As many origins as pods."""
        pods, origins = self.cleaned_data.get("pod", []), self.cleaned_data.get("origin", [])
        if len(pods) != len(origins) and not self.errors:
            raise forms.ValidationError(_("Say of each pod where you saw it."))

    def wanted(self) -> Wanted:
        """What was asked for."""
        data = self.cleaned_data
        return Wanted(
            pods=list(zip(data["pod"], data["origin"], strict=True)),
            business=data["business"],
            how=data["how"] or "auto",
            timeout=data["timeout"] or DRAIN_SECONDS,
            force=data["force"],
            reason=data["reason"],
            share=self.answer(),
        )


@require_POST
def move(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Move cards. JSON: {"batch", "moves": [{"pod", "state", "words", "code", "ask", "operation"}]}, also
    when none moved; {"error"} with 422 when the request cannot be read, 503 when the board is out of date.
    """
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    form = BoardForm(request.POST)
    if not form.is_valid():
        return refused(request, pool, form.errors.as_text(), status=422)
    if words := out_of_date(pool):
        return refused(request, pool, words, status=503)
    moves = move_pods(by=request.user, pool=pool, wanted=form.wanted())
    answer = {"batch": moves.batch, "moves": [asdict(outcome) for outcome in moves.outcomes]}
    return JsonResponse(answer)


def refused(request: UserRequest, pool: PoolTarget, words: str, *, status: int) -> HttpResponse:
    """Nothing moves; people who may not move any pod are told that instead."""
    actions.assign_pod.permit(by=request.user, pod=PodTarget(pool, request.POST.get("pod", "")[:253]))
    return JsonResponse({"error": words}, status=status)


def out_of_date(pool: PoolTarget) -> str:
    """Why nobody should move cards now: they show what the cluster said long ago; empty when it is not so."""
    found = clusters.freshness(pool.cluster_id, "deployments", "pods", "services")
    if not found.stale or found.since is None:
        return ""
    words = _(
        "The cluster has not been heard since %(since)s UTC, so this board may be wrong. Nothing was moved."
    )
    return words % {"since": found.since.strftime("%H:%M")}
