"""Small questions that the templates of pools ask."""

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from django import template
from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.live.viewers import Viewer
from apps.pools.permissions import ASSIGN

register = template.Library()
PALETTE = ("blue", "orange", "purple", "teal", "pink", "lime", "cyan", "indigo")


@register.filter
def may_lend(viewer: Viewer, cluster: str) -> bool:
    """Whether these people may move pods there."""
    return viewer.may(ASSIGN, cluster)


@register.filter
def business_label(business: str) -> str:
    """A business in words; the reserved ones have words of their own."""
    words = {labels.UNASSIGNED: _("free"), labels.DRAINING: _("draining"), labels.RETIRING: _("retiring")}
    return words.get(business, business or "–")


@register.filter
def business_colour(business: str) -> str:
    """A stable colour per business: grey for free, amber between two businesses."""
    if business in ("", labels.UNASSIGNED):
        return "secondary"
    if labels.is_reserved(business):
        return "yellow"
    return PALETTE[sum(business.encode()) % len(PALETTE)]


@register.simple_tag
def split_bar(distribution: Mapping[str, int]) -> dict[str, Any]:
    """A pool side by side: in `parts` where each business starts, how many pods it has, and its colour."""
    starts = accumulate(distribution.values(), initial=0)
    parts = [
        {"start": start, "count": count, "colour": business_colour(business)}
        for start, (business, count) in zip(starts, distribution.items(), strict=False)
    ]
    return {"total": sum(distribution.values()), "parts": parts}
