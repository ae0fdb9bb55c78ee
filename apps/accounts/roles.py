"""The three roles, weakest first."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """What a person is on a cluster; a higher role may everything that a lower one may."""

    VIEWER = "viewer", _("viewer")
    OPERATOR = "operator", _("operator")
    ADMIN = "admin", _("admin")

    @property
    def rank(self) -> int:
        """1 for the viewer, 3 for the admin."""
        return RANKS[self]

    @property
    def plural(self) -> str:
        """The role as a group of people: "operators"."""
        return str(PLURALS[self])


RANKS = {Role.VIEWER: 1, Role.OPERATOR: 2, Role.ADMIN: 3}
PLURALS = {Role.VIEWER: _("viewers"), Role.OPERATOR: _("operators"), Role.ADMIN: _("admins")}
