"""Small questions that the templates of inference ask."""

from django import template

from apps.inference.permissions import CHANGE
from apps.live.viewers import Viewer

register = template.Library()


@register.filter
def may_change(viewer: Viewer, cluster: str) -> bool:
    """Whether these people may change deployments there."""
    return viewer.may(CHANGE, cluster)
