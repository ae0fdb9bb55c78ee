"""Forms of the pools pages. What only the cluster can refuse is refused by the actions, beside the same
fields.
"""

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.gateways import labels
from apps.pools.actions import DRAIN_SECONDS, LONGEST, SHORTEST
from apps.pools.business import ServiceWish, name_problem
from apps.pools.shares.asking import MINUTES, MOST_MINUTES, Answer

SHARE = [("change", _("Change the shares")), ("exception", _("An exception for some minutes"))]
HOW = [("auto", _("Drained if it is busy")), ("now", _("At once")), ("drained", _("Drained"))]


class ShareAnswer(forms.Form):
    """What is to become of the pool's shares where moves lead away from them."""

    share = forms.ChoiceField(choices=SHARE, required=False, label=_("Shares"))
    minutes = forms.IntegerField(min_value=1, max_value=MOST_MINUTES, required=False, label=_("Minutes"))

    def answer(self) -> Answer:
        """The answer; without one the portal asks."""
        return Answer(self.cleaned_data["share"], self.cleaned_data["minutes"] or MINUTES)


class MoveForm(ShareAnswer):
    """Move one pod. `origin` is what the page showed."""

    pod = forms.CharField(max_length=253)
    origin = forms.CharField(max_length=63, required=False)
    business = forms.CharField(max_length=63, label=_("Business"))
    how = forms.ChoiceField(choices=HOW, required=False, label=_("How"))
    timeout = forms.IntegerField(
        min_value=SHORTEST, max_value=LONGEST, initial=DRAIN_SECONDS, required=False, label=_("Wait at most")
    )
    force = forms.BooleanField(required=False)
    reason = forms.CharField(max_length=500, required=False)


class ServiceForm(forms.Form):
    """Create a business service."""

    name = forms.CharField(
        label=_("Service name"),
        max_length=63,
        help_text=_("Lower-case letters, digits and '-', beginning with a letter."),
    )
    business = forms.CharField(
        label=_("Business tag"), max_length=63, help_text=_("Who borrows the pods, for example production.")
    )
    external = forms.BooleanField(label=_("Reachable from outside (load balancer)"), required=False)

    def clean_name(self) -> str:
        """Refuse what Kubernetes refuses."""
        name = str(self.cleaned_data["name"])
        if problem := name_problem(name):
            raise forms.ValidationError(problem)
        return name

    def clean_business(self) -> str:
        """Refuse what is no label value, and the reserved words."""
        tag = str(self.cleaned_data["business"])
        if problem := labels.business_problem(tag):
            raise forms.ValidationError(problem)
        return tag

    def wish(self) -> ServiceWish:
        """What was filled in."""
        data = self.cleaned_data
        return ServiceWish(name=data["name"], business=data["business"], external=data["external"])
