"""The filter of the list; every field is in the URL."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.live.paging import MOST_PAGES
from apps.operations import registry
from apps.operations.selectors import Filter
from apps.operations.statuses import OperationStatus

MOMENT = "%Y-%m-%dT%H:%M"


def moment(label: Any) -> forms.DateTimeField:
    """A field for a time (UTC)."""
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT)
    return forms.DateTimeField(label=label, required=False, widget=widget)


class OperationFilter(forms.Form):
    """State, work, person, target, cluster, time, sort, page; everything optional."""

    state = forms.ChoiceField(
        required=False,
        choices=[("", _("any")), ("active", _("Active")), *OperationStatus.choices],
        widget=forms.HiddenInput,
    )
    work = forms.ChoiceField(label=_("Work"), required=False)
    person = forms.CharField(label=_("Person"), required=False, max_length=150)
    target = forms.CharField(label=_("Target"), required=False, max_length=253)
    cluster = forms.CharField(label=_("Cluster"), required=False, max_length=100)
    since = moment(_("Begun from"))
    until = moment(_("Begun before"))
    sort = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)
    page = forms.IntegerField(required=False, min_value=1, max_value=MOST_PAGES, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        work = self.fields["work"]
        assert isinstance(work, forms.ChoiceField)
        work.choices = [("", _("any")), *((runner.code, runner.title) for runner in registry.runners())]

    def wanted(self) -> Filter:
        """What a valid form asks for."""
        data = {name: self.cleaned_data[name] for name in Filter.__dataclass_fields__}
        return Filter(**{name: value for name, value in data.items() if value})

    def asked(self) -> dict[str, str]:
        """The filled fields but page, as they were typed."""
        names = (*Filter.__dataclass_fields__, "sort")
        return {name: self.data[name] for name in names if self.data.get(name)}

    def query(self) -> str:
        """The same without the state, as a URL's query."""
        return urlencode({name: value for name, value in self.asked().items() if name != "state"})
