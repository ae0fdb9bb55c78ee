"""Forms of the profile page."""

from django import forms
from django.utils.translation import gettext_lazy as _

LIVES = [(7, _("7 days")), (30, _("30 days")), (90, _("90 days")), (365, _("one year"))]


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(
        label=_("What is it for?"),
        max_length=80,
        widget=forms.TextInput(attrs={"placeholder": _("nightly deploy")}),
    )
    days = forms.TypedChoiceField(label=_("Works for"), choices=LIVES, coerce=int, initial=30)
