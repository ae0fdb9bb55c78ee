"""The form of another version: what is left empty stays as it is."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.pools.rollouts.actions import LONGEST, SHORTEST, WATCHED
from apps.pools.rollouts.runner import SETTLE, How
from apps.pools.rollouts.wishes import MOST_GPUS, VersionWish


class VersionForm(forms.Form):
    """A version, how it is brought, and the plan that was seen."""

    image = forms.CharField(max_length=300, required=False, label=_lazy("Image"))
    command = forms.CharField(
        max_length=10_000, required=False, label=_lazy("Command"), widget=forms.Textarea(attrs={"rows": 3})
    )
    gpus = forms.IntegerField(min_value=0, max_value=MOST_GPUS, required=False, label=_lazy("GPUs per pod"))
    cpu = forms.CharField(max_length=20, required=False, label=_lazy("CPU"))
    memory = forms.CharField(max_length=20, required=False, label=_lazy("Memory"))
    timeout = forms.IntegerField(
        min_value=SHORTEST, max_value=LONGEST, required=False, label=_lazy("Wait for last requests (seconds)")
    )
    settle = forms.IntegerField(
        min_value=WATCHED, max_value=LONGEST, required=False, label=_lazy("Watch each new pod for (seconds)")
    )
    restart = forms.BooleanField(required=False, label=_lazy("New pods of the same version"))
    revision = forms.IntegerField(min_value=1, required=False, widget=forms.HiddenInput)
    gives_up = forms.CharField(max_length=63, required=False, widget=forms.HiddenInput)
    plan = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    reason = forms.CharField(max_length=500, required=False, label=_lazy("Reason"))

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["timeout"].widget.attrs["placeholder"] = How.timeout
        self.fields["settle"].widget.attrs["placeholder"] = SETTLE
        for field in self.fields.values():
            check = isinstance(field.widget, forms.CheckboxInput)
            field.widget.attrs["class"] = "form-check-input" if check else "form-control"

    def clean(self) -> None:
        """Something must be wished."""
        names = ("image", "command", "cpu", "memory", "restart", "revision")
        data = self.cleaned_data
        if not self.errors and not any(data.get(name) for name in names) and data.get("gpus") is None:
            self.add_error("image", _("Say what is to change."))

    def wish(self) -> VersionWish:
        """The version."""
        data = self.cleaned_data
        return VersionWish(
            image=data["image"],
            command=data["command"],
            gpus=data["gpus"],
            cpu=data["cpu"],
            memory=data["memory"],
            revision=data["revision"],
            restart=timezone.now().isoformat() if data["restart"] else "",
        )

    def how(self) -> How:
        """How it is brought."""
        data = self.cleaned_data
        return How(data["gives_up"], data["timeout"] or How.timeout, data["settle"], data["plan"])
