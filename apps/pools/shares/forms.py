"""The form of a pool's shares: one line per business."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.gateways import labels
from apps.pools.models import SharePolicy
from apps.pools.shares.status import ShareLine
from apps.pools.shares.wishes import LONGEST_TIME, MOST_WEIGHT, SHORTEST_PATIENCE, SharesWish, ShareWish

KINDS = [("", _lazy("no share")), ("count", _lazy("pods")), ("weight", _lazy("weight"))]
MOST = 1000


class PodForm(forms.Form):
    """A pod by name."""

    pod = forms.CharField(max_length=253)


class SharesForm(forms.Form):
    """Kind, size and floor per business (`kind-<business>` and so on), two times, the version seen."""

    dwell = forms.IntegerField(
        min_value=0, max_value=LONGEST_TIME, label=_lazy("Restore weights after (seconds)")
    )
    patience = forms.IntegerField(
        min_value=SHORTEST_PATIENCE,
        max_value=LONGEST_TIME,
        label=_lazy("Replace a pod that is not Ready after (seconds)"),
    )
    version = forms.IntegerField(min_value=0, required=False, widget=forms.HiddenInput)
    reason = forms.CharField(max_length=500, required=False, label=_lazy("Reason"))

    def __init__(self, data: Any, *, policy: SharePolicy, lines: Sequence[ShareLine]) -> None:
        times = {"dwell": policy.dwell, "patience": policy.patience, "version": policy.version}
        super().__init__(data, initial=times)
        self.businesses = [line.business for line in lines]
        for line in lines:
            self.add_line(line)
        for field in self.fields.values():
            select = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if select else "form-control"

    def add_line(self, line: ShareLine) -> None:
        """The fields of one business; free pods serve nobody, so they have no floor."""
        name, rule = line.business, line.rule
        kind = "" if rule is None else "count" if rule.weight is None else "weight"
        size = None if rule is None else rule.count if rule.weight is None else rule.weight
        self.fields[f"kind-{name}"] = forms.ChoiceField(
            choices=KINDS, required=False, initial=kind, label=_("Share of %(name)s") % {"name": name}
        )
        self.fields[f"size-{name}"] = number(size, max(MOST, MOST_WEIGHT), _("Size for %(name)s"), name)
        if name == labels.UNASSIGNED:
            return
        self.fields[f"floor-{name}"] = number(rule.floor if rule else 0, MOST, _("Floor of %(name)s"), name)

    def clean(self) -> dict[str, Any]:
        """A kind needs a size."""
        data = dict(super().clean() or {})
        for name in self.businesses:
            if data.get(f"kind-{name}") and data.get(f"size-{name}") is None:
                self.add_error(f"kind-{name}", _("%(name)s: say how many.") % {"name": name})
        return data

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The lines for the page."""
        return [
            {"business": name, "fields": [self[f"{part}-{name}"] for part in parts_of(name)]}
            for name in self.businesses
        ]

    @property
    def times(self) -> list[forms.BoundField]:
        """The fields below the lines."""
        return [self["dwell"], self["patience"], self["reason"]]

    def wish(self) -> SharesWish:
        """What was filled in."""
        data = self.cleaned_data
        shares = [share_of(data, name) for name in self.businesses if data[f"kind-{name}"]]
        return SharesWish(shares, data["dwell"], data["patience"], data["version"])


def parts_of(name: str) -> tuple[str, ...]:
    """The fields that a line shows."""
    return ("kind", "size") if name == labels.UNASSIGNED else ("kind", "size", "floor")


def number(initial: int | None, most: int, label: str, name: str) -> forms.IntegerField:
    """A number of pods, or a weight."""
    return forms.IntegerField(
        min_value=0, max_value=most, required=False, initial=initial, label=label % {"name": name}
    )


def share_of(data: dict[str, Any], name: str) -> ShareWish:
    """One business' share."""
    kind, size = data[f"kind-{name}"], data[f"size-{name}"]
    return ShareWish(
        name,
        count=size if kind == "count" else None,
        weight=size if kind == "weight" else None,
        floor=data.get(f"floor-{name}") or 0,
    )
