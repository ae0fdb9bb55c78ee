"""Forms of the side panels: which log to show, and why something is deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _lazy


class ReasonForm(forms.Form):
    """Why something goes; kept with the audit entry."""

    reason = forms.CharField(label=_lazy("Why"), max_length=500, required=False)


class DeletePodForm(ReasonForm):
    """`force`: also when a business has the pod."""

    force = forms.BooleanField(label=_lazy("Delete it although it is lent"), required=False)


@dataclass(frozen=True)
class LogWish:
    """Which log, from where on; `seconds` back from now, 0 for the last lines."""

    container: str = ""
    previous: bool = False
    since: str = ""
    seconds: int = 0


class LogForm(forms.Form):
    """The controls above a log. Anything odd means the first container's last lines."""

    container = forms.ChoiceField(label=_lazy("Container"), required=False)
    previous = forms.BooleanField(label=_lazy("Previous run"), required=False)
    since = forms.ChoiceField(
        label=_lazy("Since"),
        required=False,
        choices=[
            ("", _lazy("Last lines")),
            ("300", _lazy("5 minutes")),
            ("3600", _lazy("1 hour")),
            ("86400", _lazy("1 day")),
        ],
    )

    def __init__(self, data: Any, *, containers: Sequence[str]) -> None:
        super().__init__(data)
        self.fields["container"].choices = [(name, name) for name in containers]  # type: ignore[attr-defined]  # a ChoiceField
        self._first = containers[0] if containers else ""

    def cleaned(self) -> LogWish:
        """What is asked, with the first container where none was named."""
        self.full_clean()
        data = self.cleaned_data
        since = data.get("since", "")
        return LogWish(
            container=data.get("container") or self._first,
            previous=bool(data.get("previous")),
            since=since,
            seconds=int(since or 0),
        )
