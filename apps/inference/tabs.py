"""The tabs of the left card of Deploy & test; other apps add theirs: pools brings its business services.

tabs.register(Tab("service", title=_("Service Configuration"), template="...", context=context))
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

from apps.accounts.requests import UserRequest
from apps.clusters.models import Cluster


@dataclass(frozen=True)
class Tab:
    """One more tab: `template` renders its inside from {"cluster"} and what `context(request, cluster)`
    gives.
    """

    name: str
    title: str | Promise
    template: str
    context: Callable[[UserRequest, Cluster], dict[str, Any]]


_tabs: dict[str, Tab] = {}


def register(tab: Tab) -> Tab:
    """Add a tab behind the others. A second one of that name is a ValueError."""
    if _tabs.setdefault(tab.name, tab) is not tab:
        raise ValueError(f"The tab {tab.name} is registered twice")
    return tab


def registered() -> list[Tab]:
    """The added tabs in their order."""
    return list(_tabs.values())


def tab_named(name: str) -> Tab | None:
    """The added tab, None for one that nobody registered."""
    return _tabs.get(name)
