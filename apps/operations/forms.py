"""The filter of the list."""

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.operations.selectors import LAST_PAGE
from apps.operations.statuses import OperationStatus


class OperationFilter(forms.Form):
    """State, person, target, page; everything optional, all in the URL."""

    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("any")), ("active", _("Active")), *OperationStatus.choices],
    )
    person = forms.CharField(label=_("Person"), required=False, max_length=150)
    target = forms.CharField(label=_("Target"), required=False, max_length=253)
    page = forms.IntegerField(required=False, min_value=1, max_value=LAST_PAGE, widget=forms.HiddenInput)
