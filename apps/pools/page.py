"""What all pages of one pool share: the pool itself, its tabs, and what this person may do here.

Each part registers its tab where its pages are; `templates/pools/pool_page.html` shows them.
"""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts import permissions, policy
from apps.accounts.requests import UserRequest
from apps.clusters import selectors as clusters
from apps.pools import selectors
from apps.pools.permissions import ASSIGN, CHANGE_SERVICE, SCALE
from apps.pools.targets import PoolTarget

ORDER = ("board", "pods", "shares", "rollout", "history", "guard")


@dataclass(frozen=True)
class Tab:
    """One tab: `name` is one of ORDER, `view` names a URL that takes cluster, namespace and name."""

    name: str
    title: str | Promise
    view: str


@dataclass(frozen=True)
class TabLink:
    """A tab as the page shows it."""

    title: str | Promise
    url: str
    current: bool


_tabs: dict[str, Tab] = {}


def register_tab(tab: Tab) -> Tab:
    """Make a tab known. A name out of ORDER, or one that is taken, is a ValueError."""
    if tab.name not in ORDER or _tabs.setdefault(tab.name, tab) is not tab:
        raise ValueError(f"The tab {tab.name} is unknown or registered twice")
    return tab


def pool_page(
    request: UserRequest, cluster_slug: str, namespace: str, name: str, *, tab: str
) -> dict[str, Any]:
    """The context of a tab's page, which extends `pools/pool_page.html`. Raises Http404 for what the person
    may not see.
    """
    pool = selectors.pool_target(request.user, cluster_slug, namespace, name)
    return {
        "cluster": clusters.cluster(request.user, pool.cluster),
        "target": pool,
        "tab": tab,
        "tabs": tab_links(pool, tab),
        "assign_refusal": permissions.get(ASSIGN).refusal(),
        "may_assign": policy.may(request.user, ASSIGN, cluster=pool.cluster),
        "may_change_service": policy.may(request.user, CHANGE_SERVICE, cluster=pool.cluster),
        "may_scale": policy.may(request.user, SCALE, cluster=pool.cluster),
        "scale_refusal": permissions.get(SCALE).refusal(),
    }


def tab_links(pool: PoolTarget, current: str) -> list[TabLink]:
    """The registered tabs in their order."""
    place = {"cluster": pool.cluster, "namespace": pool.namespace, "name": pool.name}
    known = [_tabs[name] for name in ORDER if name in _tabs]
    return [TabLink(tab.title, reverse(tab.view, kwargs=place), tab.name == current) for tab in known]


register_tab(Tab("board", _("Board"), "pools:pool_detail"))
register_tab(Tab("pods", _("Pods"), "pools:pool_pods"))
