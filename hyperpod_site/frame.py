"""What every page's frame shows: the sidebar, the cluster in the URL, the clusters to switch to, what the
person may open.
"""

from functools import cached_property, partial
from typing import Any, cast

from django.http import HttpRequest

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.accounts.roles import Role
from apps.clusters import selectors
from apps.clusters.models import Cluster
from apps.live.viewers import viewer_of
from apps.operations import permissions
from hyperpod_site import navigation

PARTS = ("clusters", "cluster", "groups", "role", "operations")


def frame(request: HttpRequest) -> dict[str, Any]:
    """Template context of the frame, each part made only where a template shows it; empty for people who are
    not logged in.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or request.path.startswith(("/api/", "/admin/")):
        return {}
    made = Frame(cast(UserRequest, request))
    return {f"frame_{part}": partial(getattr, made, part) for part in PARTS}


class Frame:
    """The parts, each made at most once."""

    def __init__(self, request: UserRequest) -> None:
        self.request = request
        self.match = request.resolver_match

    @cached_property
    def clusters(self) -> list[tuple[Cluster, str]]:
        """Each cluster with where the switcher leads."""
        rows = selectors.shown(self.request)
        urls = navigation.switches(self.match, [row.slug for row in rows])
        return [(row, urls[row.slug]) for row in rows]

    @cached_property
    def cluster(self) -> Cluster | None:
        """The one in the URL, or the only one."""
        rows = selectors.shown(self.request)
        slug = self.match.kwargs.get("cluster", "") if self.match else ""
        return next((row for row in rows if row.slug == slug), rows[0] if len(rows) == 1 else None)

    @cached_property
    def groups(self) -> list[navigation.Group]:
        """The sidebar."""
        admin = policy.is_admin(self.request.user)
        return navigation.groups(self.match, cluster=self._slug, admin=admin)

    @cached_property
    def role(self) -> Role | None:
        """The person's role on the cluster."""
        return policy.role_of(self.request.user, self._slug)

    @cached_property
    def operations(self) -> bool:
        """Whether the person may see running work."""
        return viewer_of(self.request.user).may(permissions.VIEW)

    @property
    def _slug(self) -> str:
        return self.cluster.slug if self.cluster else ""
