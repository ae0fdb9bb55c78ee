"""Permissions as data: each app registers what can be done in it and the least role that may do it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from apps.accounts.roles import Role

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Permission:
    """One thing that people do: a code like "pools.assign_pod", the least role, a label like "Lend pods"."""

    code: str
    role: Role
    label: str | Promise

    @property
    def roles(self) -> list[Role]:
        """The roles that have this permission, weakest first."""
        return [role for role in Role if role.rank >= self.role.rank]

    def who(self) -> str:
        """Who may, in words: "operators and admins"."""
        names = [role.plural for role in self.roles]
        if len(names) == 1:
            return names[0]
        return _("%(first)s and %(last)s") % {"first": ", ".join(names[:-1]), "last": names[-1]}

    def refusal(self) -> str:
        """Why somebody may not, naming who may: "Your role may not lend pods; operators and admins may."."""
        label = str(self.label)
        return _("Your role may not %(what)s; %(who)s may.") % {
            "what": label[:1].lower() + label[1:],
            "who": self.who(),
        }


_registered: dict[str, Permission] = {}


def register(code: str, *, role: Role, label: str | Promise) -> Permission:
    """Make a permission known, at import.

    The same again is harmless; another meaning for a code is a ValueError.
    """
    permission = Permission(code=code, role=role, label=label)
    known = _registered.setdefault(code, permission)
    if known.role != role:
        raise ValueError(f"Permission {code} is registered twice: for {known.role} and {role}")
    return known


def get(code: str) -> Permission:
    """The permission of that code; KeyError when nobody registered it, since an unknown permission is a
    mistake.
    """
    return _registered[code]


def registered() -> "Iterable[Permission]":
    """All permissions, by code."""
    return [_registered[code] for code in sorted(_registered)]
