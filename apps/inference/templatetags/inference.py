"""Small questions that the templates of inference ask."""

from collections.abc import Iterable
from functools import lru_cache

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from apps.inference.permissions import CHANGE
from apps.live.viewers import Viewer

register = template.Library()
SELECTED = mark_safe(" selected")


@register.filter
def may_change(viewer: Viewer, cluster: str) -> bool:
    """Whether these people may change deployments there."""
    return viewer.may(CHANGE, cluster)


@register.simple_tag
def options(values: Iterable[str], chosen: str) -> SafeString:
    """The options of a select, the chosen one marked, also when it is not among the values any more."""
    return _options(tuple(values), chosen)


@lru_cache(maxsize=256)
def _options(values: tuple[str, ...], chosen: str) -> SafeString:
    """Kept, as hundreds of them cost more than the rows of a page."""
    gone = (chosen,) if chosen and chosen not in values else ()
    marks = {chosen: SELECTED} if chosen else {}
    return format_html_join(
        "", "<option{}>{}</option>", ((marks.get(value, ""), value) for value in (*gone, *values))
    )
