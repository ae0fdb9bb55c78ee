"""What one person may, as a value: read from the grants, written as a short key, and read back from that key.

The key lets pages that look the same share one rendering (apps.live): whoever has the same key sees the same.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache, partial

import structlog
from django.db import transaction
from django.db.models import Q

from apps.accounts import permissions
from apps.accounts.roles import Role

logger = structlog.get_logger(__name__)
EVERY = "*"


@dataclass(frozen=True, order=True)
class Scope:
    """One grant: a role on a cluster (slug or "*") for a business (tag or "*")."""

    cluster: str
    business: str
    role: Role

    def role_for(self, cluster: str, business: str) -> Role | None:
        """The role that this grant gives there.

        A narrow grant still lets its holder see what surrounds it.
        """
        if self.cluster == EVERY or self.cluster == cluster:
            return self.role if self.business in (EVERY, business) else Role.VIEWER
        return Role.VIEWER if cluster == "" else None


@dataclass(frozen=True)
class ClusterScope:
    """The clusters that somebody sees: `slug in scope`, or as a filter:
    `Cluster.objects.filter(scope.q("slug"))`.
    """

    every: bool = False
    slugs: frozenset[str] = field(default_factory=frozenset)

    def __contains__(self, slug: object) -> bool:
        return self.every or slug in self.slugs

    def __bool__(self) -> bool:
        return self.every or bool(self.slugs)

    def q(self, name: str) -> Q:
        """A filter on the field `name`, which holds a cluster's slug."""
        return Q() if self.every else Q(**{f"{name}__in": sorted(self.slugs)})


@dataclass(frozen=True)
class Access:
    """Everything that decides what somebody may. Empty for strangers and for people who are not active."""

    scopes: tuple[Scope, ...] = ()

    def role(self, cluster: str = "", business: str = "") -> Role | None:
        """The highest role there; `cluster=""` asks about what belongs to no cluster."""
        roles = [role for scope in self.scopes if (role := scope.role_for(cluster, business))]
        return max(roles, key=lambda role: role.rank, default=None)

    def may(self, permission: str, *, cluster: str = "", business: str = "") -> bool:
        """Whether the permission is held there. KeyError for a permission that nobody registered."""
        least = permissions.get(permission).role
        role = self.role(cluster, business)
        return role is not None and role.rank >= least.rank

    def clusters(self) -> ClusterScope:
        """The clusters that are seen with this access."""
        slugs = {scope.cluster for scope in self.scopes}
        return ClusterScope(every=EVERY in slugs, slugs=frozenset(slugs - {EVERY}))

    def key(self, cluster: str = "") -> str:
        """This access as text, on one cluster when given: "demo/*=operator".

        Equal keys may exactly the same there.
        """
        scopes = self.scopes if cluster == "" else self._on(cluster)
        return ";".join(f"{scope.cluster}/{scope.business}={scope.role}" for scope in sorted(set(scopes)))

    def _on(self, cluster: str) -> Iterable[Scope]:
        """The grants that count on one cluster, without those that add nothing to a wider one."""
        everywhere = self.role(cluster)
        if everywhere is None:
            return
        yield Scope(cluster, EVERY, everywhere)
        for business in {scope.business for scope in self.scopes} - {EVERY}:
            role = self.role(cluster, business)
            if role is not None and role.rank > everywhere.rank:
                yield Scope(cluster, business, role)


@lru_cache(maxsize=1024)
def from_key(key: str) -> Access:
    """The access that `Access.key` wrote. ValueError for text that it did not write."""
    scopes = []
    for part in filter(None, key.split(";")):
        place, _equals, role = part.partition("=")
        cluster, slash, business = place.partition("/")
        if not slash:
            raise ValueError(f"Not an access key: {key!r}")
        scopes.append(Scope(cluster, business, Role(role)))
    return Access(tuple(scopes))


_listeners: list[Callable[[int], None]] = []


def on_access_changed(callback: Callable[[int], None]) -> None:
    """Have `callback(user_pk)` called after each commit that changed the person's access or password."""
    if callback not in _listeners:
        _listeners.append(callback)


def announce(user_pk: int) -> None:
    """Tell the listeners once the running transaction is committed; a listener that fails stops nobody."""
    transaction.on_commit(partial(_tell, user_pk), robust=True)


def _tell(user_pk: int) -> None:
    for callback in _listeners:
        try:
            callback(user_pk)
        except Exception:
            logger.exception("access_listener_failed", user_id=user_pk)
