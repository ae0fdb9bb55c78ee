"""The filter of a pool's history; every field is in the URL."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.pools.forms import ShareAnswer
from apps.pools.history.selectors import Holdings, during
from apps.pools.statuses import Source

FIELDS = ("pod", "business", "by", "source", "since", "until")


def suggested(known: str) -> forms.TextInput:
    """A text with suggestions: the page's list of that id."""
    return forms.TextInput(attrs={"list": known, "class": "form-control", "autocomplete": "off"})


def moment(label: Any) -> forms.DateTimeField:
    """A time in UTC."""
    widget = forms.DateTimeInput(
        attrs={"type": "datetime-local", "class": "form-control"}, format="%Y-%m-%dT%H:%M"
    )
    return forms.DateTimeField(label=label, required=False, widget=widget)


class UndoForm(ShareAnswer):
    """Which change to take back; `force` leaves out what has moved since and answers questions."""

    change = forms.CharField(max_length=64)
    force = forms.BooleanField(required=False)
    reason = forms.CharField(max_length=500, required=False)


class HistoryFilter(forms.Form):
    """Pod, business (also as the one before), person, source and time; all optional. `before`: see `page`."""

    pod = forms.CharField(label=_("Pod"), required=False, max_length=253, widget=suggested("known-pod"))
    business = forms.CharField(
        label=_("Business"), required=False, max_length=63, widget=suggested("known-business")
    )
    by = forms.CharField(label=_("Person"), required=False, max_length=150, widget=suggested("known-by"))
    source = forms.ChoiceField(
        label=_("Source"),
        required=False,
        choices=[("", _("any")), *Source.choices],
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    since = moment(_("From (UTC)"))
    until = moment(_("Until (UTC)"))
    before = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """A time must not end before it begins."""
        data = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if since and until and until <= since:
            self.add_error("until", _("It must be later than the beginning."))
        return data

    def narrow(self, found: Holdings) -> Holdings:
        """The intervals that fit."""
        data = self.cleaned_data
        exact = {name: data[name] for name in ("by", "source") if data[name]}
        if data["pod"]:
            exact["pod_name__contains"] = data["pod"]
        found = during(found.filter(**exact), data["since"], data["until"])
        word = data["business"]
        return found.filter(Q(business=word) | Q(previous=word)) if word else found

    def query(self) -> str:
        """The filled fields as a URL's query, as they were typed."""
        return urlencode({name: self.data[name] for name in FIELDS if self.data.get(name)})
