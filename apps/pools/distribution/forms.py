"""The form of a distribution: a weight and a floor for every business of the pool."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.gateways import labels
from apps.pools.actions import DRAIN_SECONDS, LONGEST, SHORTEST
from apps.pools.distribution.actions import How
from apps.pools.distribution.wanted import MOST, Wanted
from apps.pools.forms import ShareAnswer

WEIGHT, FLOOR = "weight-", "floor-"
HOW = [("drained", _lazy("Wait for running requests")), ("now", _lazy("At once"))]
UNITS = [("weights", _lazy("Weights")), ("percents", _lazy("Percent"))]
NAMES = 200
"""So many businesses a form may name, known ones or not."""


@dataclass(frozen=True)
class FormRow:
    """One business of the form with what it has now; the free stock has no floor."""

    business: str
    held: int
    weight: BoundField
    floor: BoundField | None


class DistributeForm(ShareAnswer):
    """An empty weight means: this business keeps its pods. `plan` is the preview that the person saw."""

    unit = forms.ChoiceField(choices=UNITS, required=False, initial="weights", label=_lazy("Parts are"))
    how = forms.ChoiceField(choices=HOW, required=False, initial="drained", label=_lazy("Lent pods move"))
    timeout = forms.IntegerField(
        min_value=SHORTEST,
        max_value=LONGEST,
        initial=DRAIN_SECONDS,
        required=False,
        label=_lazy("Wait at most (seconds)"),
    )
    plan = forms.CharField(max_length=100, required=False)
    force = forms.BooleanField(required=False)
    reason = forms.CharField(max_length=500, required=False, label=_lazy("Reason"))

    def __init__(self, *args: Any, held: Mapping[str, int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.held = held
        wished = {name[len(WEIGHT) :] for name in self.data if name.startswith(WEIGHT)}
        wished |= {name[len(FLOOR) :] for name in self.data if name.startswith(FLOOR)}
        self.businesses = [*held, *sorted(wished - held.keys())[:NAMES]]
        for business in self.businesses:
            self.fields[WEIGHT + business] = weight_field(business, held.get(business, 0))
            if business != labels.UNASSIGNED:
                self.fields[FLOOR + business] = floor_field(business)

    def rows(self) -> Iterator[FormRow]:
        """The businesses with their fields."""
        for business in self.businesses:
            floor = self[FLOOR + business] if FLOOR + business in self.fields else None
            yield FormRow(business, self.held.get(business, 0), self[WEIGHT + business], floor)

    def wanted(self) -> Wanted:
        """What was filled in."""
        data = self.cleaned_data
        filled = {name: value for name, value in data.items() if value is not None}
        return Wanted(
            {name[len(WEIGHT) :]: value for name, value in filled.items() if name.startswith(WEIGHT)},
            percents=data["unit"] == "percents",
            floors={name[len(FLOOR) :]: value for name, value in filled.items() if name.startswith(FLOOR)},
        )

    def chosen(self) -> How:
        """How it is to be done."""
        data = self.cleaned_data
        return How(
            plan=data["plan"],
            force=data["force"],
            drain=data["how"] != "now",
            timeout=data["timeout"] or DRAIN_SECONDS,
            share=self.answer(),
        )


def weight_field(business: str, held: int) -> forms.FloatField:
    """A part; what the business has now is a good beginning."""
    words = _("Part of %(business)s") % {"business": business}
    field = forms.FloatField(min_value=0, max_value=MOST, required=False, initial=held, label=words)
    field.widget.attrs.update({"class": "form-control form-control-sm", "step": "any", "aria-label": words})
    return field


def floor_field(business: str) -> forms.IntegerField:
    """Fewest serving pods."""
    words = _("Floor of %(business)s") % {"business": business}
    field = forms.IntegerField(min_value=0, max_value=MOST, required=False, label=words)
    field.widget.attrs.update(
        {"class": "form-control form-control-sm", "placeholder": "1", "aria-label": words}
    )
    return field
