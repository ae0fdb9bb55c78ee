"""The filter of the audit page; every field is in the URL."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.audit import registry
from apps.audit.models import AuditEntry, Outcome

CONDITIONS = {
    "actor": "actor_name",
    "action": "code",
    "object": "target_name__contains",
    "outcome": "outcome",
    "cluster": "cluster",
    "since": "at__gte",
    "until": "at__lt",
}


class EntryFilter(forms.Form):
    """Person, action, object, outcome, cluster and time (UTC); all optional."""

    actor = forms.CharField(label=_("Person"), required=False, max_length=150)
    action = forms.ChoiceField(label=_("Action"), required=False)
    object = forms.CharField(label=_("Object"), required=False, max_length=253)
    outcome = forms.ChoiceField(
        label=_("Outcome"), required=False, choices=[("", _("any")), *Outcome.choices]
    )
    cluster = forms.CharField(label=_("Cluster"), required=False, max_length=63)
    since = forms.DateTimeField(
        label=_("From"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    until = forms.DateTimeField(
        label=_("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    sort = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)
    after = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = self.fields["action"]
        assert isinstance(choices, forms.ChoiceField)
        choices.choices = [("", _("any")), *registry.codes()]

    def conditions(self) -> dict[str, Any]:
        """The filled fields as query conditions."""
        return {
            CONDITIONS[name]: value
            for name, value in self.cleaned_data.items()
            if name in CONDITIONS and value
        }

    def asked(self) -> dict[str, str]:
        """The filled fields and the sort, as they were typed."""
        return {name: self.data[name] for name in (*CONDITIONS, "sort") if self.data.get(name)}

    def query(self) -> str:
        """The same as a URL's query."""
        return urlencode(self.asked())

    def narrow(self, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """The entries that fit."""
        return queryset.filter(**self.conditions())
