"""The board's door for moves; its script asks, and shows each pod's answer on its card."""

from dataclasses import asdict

from django import forms
from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_POST

from apps.accounts.requests import UserRequest
from apps.pools import actions, selectors
from apps.pools.actions import DRAIN_SECONDS, LONGEST, SHORTEST
from apps.pools.board.moving import MOST, Wanted, move_pods
from apps.pools.forms import HOW, SHARE
from apps.pools.shares.asking import MINUTES, MOST_MINUTES, Answer
from apps.pools.targets import PodTarget


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


class BoardForm(forms.Form):
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
    share = forms.ChoiceField(choices=SHARE, required=False, label=_lazy("Shares"))
    minutes = forms.IntegerField(min_value=1, max_value=MOST_MINUTES, required=False, label=_lazy("Minutes"))

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
            share=Answer(data["share"], data["minutes"] or MINUTES),
        )


@require_POST
def move(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Move cards. JSON: {"batch", "moves": [{"pod", "state", "words", "code", "ask", "operation"}]}, also
    when none moved; {"error"} with 422 when the request cannot be read.
    """
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    form = BoardForm(request.POST)
    if not form.is_valid():
        actions.assign_pod.permit(by=request.user, pod=PodTarget(pool, request.POST.get("pod", "")[:253]))
        return JsonResponse({"error": form.errors.as_text()}, status=422)
    moves = move_pods(by=request.user, pool=pool, wanted=form.wanted())
    answer = {"batch": moves.batch, "moves": [asdict(outcome) for outcome in moves.outcomes]}
    return JsonResponse(answer)
