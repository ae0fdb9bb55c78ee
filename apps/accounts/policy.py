"""The one place that answers "may this person do that here?"."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _

from apps.accounts import access as _access
from apps.accounts import permissions
from apps.accounts.access import EVERY, Access, ClusterScope, Scope
from apps.accounts.models import User
from apps.accounts.roles import Role

USE_ADMIN = permissions.register("accounts.use_admin", role=Role.ADMIN, label=_("Use the admin pages"))
Person = User | AnonymousUser


class Refused(PermissionDenied):
    """A permission that is not held; the message says which roles have it."""

    def __init__(self, permission: permissions.Permission) -> None:
        super().__init__(permission.refusal())
        self.permission = permission


def may(user: Person, permission: str, *, cluster: str = "", business: str = "") -> bool:
    """Whether the person has the permission there. For showing controls; writes are guarded by `require`."""
    return access_of(user).may(permission, cluster=cluster, business=business)


def require(user: Person, permission: str, *, cluster: str = "", business: str = "") -> None:
    """Raise Refused unless the permission is held now: grants are read again, whatever the request loaded
    before.
    """
    if not read_access(user).may(permission, cluster=cluster, business=business):
        raise Refused(permissions.get(permission))


def require_to_see(user: Person, permission: str, *, cluster: str = "") -> None:
    """`require` for pages that only show: by what this request loaded of the person already."""
    if not may(user, permission, cluster=cluster):
        raise Refused(permissions.get(permission))


def role_of(user: Person, cluster: str = "", business: str = "") -> Role | None:
    """The person's role there, or None."""
    return access_of(user).role(cluster, business)


def role_key(user: Person, cluster: str = "") -> str:
    """All of the person that a shared rendering may depend on, as text; see `key_may`."""
    return access_of(user).key(cluster)


def key_may(role_key: str, permission: str, *, cluster: str = "", business: str = "") -> bool:
    """`may`, for whoever has this role key."""
    return _access.from_key(role_key).may(permission, cluster=cluster, business=business)


def is_admin(user: Person) -> bool:
    """Whether the person is an admin of everything: who may use the admin site and see what is no
    cluster's.
    """
    return access_of(user).may(USE_ADMIN.code, cluster=EVERY, business=EVERY)


def visible_clusters(user: Person) -> ClusterScope:
    """The clusters that the person sees."""
    return access_of(user).clusters()


def access_of(user: Any) -> Access:
    """The person's access, read once per loaded person (that is, once per request)."""
    known: Access | None = getattr(user, "_access", None)
    if known is None:
        known = read_access(user)
        user._access = known
    return known


def read_access(user: Person) -> Access:
    """The person's access as the database has it now."""
    if user.pk is None:
        return Access()
    people = User.objects.filter(pk=user.pk, is_active=True)
    rows = list(people.values_list("is_superuser", "grants__cluster", "grants__business", "grants__role"))
    if rows and rows[0][0]:
        return Access((Scope(EVERY, EVERY, Role.ADMIN),))
    return Access(
        tuple(Scope(cluster, business, Role(role)) for _flag, cluster, business, role in rows if role)
    )
