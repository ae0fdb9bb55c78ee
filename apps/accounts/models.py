"""People, the roles they were given, and the tokens with which their programs call."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Self, TypeVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.access import EVERY, announce
from apps.accounts.roles import Role

__all__ = ["ApiToken", "Grant", "Role", "User"]

ACCESS_FIELDS = ("password", "is_active", "is_superuser")
KEY_START = "hpp_"
Result = TypeVar("Result")


class UserQuerySet(models.QuerySet["User"]):
    """Changes of many people at once are announced like changes of one."""

    def update(self, **kwargs: Any) -> int:
        """As Django's."""
        touched = list(self.values_list("pk", flat=True)) if set(kwargs) & set(ACCESS_FIELDS) else []
        count = super().update(**kwargs)
        for pk in touched:
            announce(pk)
        return count

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's."""
        touched = list(self.values_list("pk", flat=True))
        result = super().delete()
        for pk in touched:
            announce(pk)
        return result


class PortalUserManager(UserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]  # django-stubs cannot type a base made at run time
    """Django's manager of people, on the announcing query set."""


class User(AbstractUser):
    """A person who logs in.

    What they may comes from their grants (`policy`); a superuser is an admin everywhere.
    """

    objects: ClassVar[PortalUserManager] = PortalUserManager()

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        """As Django's; remembers what decides on access, so that `save` sees a change."""
        user = super().from_db(*args, **kwargs)
        user._loaded_access = user._access_facts()
        return user

    def save(self, *args: Any, **kwargs: Any) -> None:
        """As Django's; a changed password, active or superuser flag is announced."""
        super().save(*args, **kwargs)
        facts = self._access_facts()
        if getattr(self, "_loaded_access", None) != facts:
            self._loaded_access = facts
            announce(self.pk)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """As Django's; announced."""
        pk = self.pk
        result = super().delete(*args, **kwargs)
        announce(pk)
        return result

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Django's own permissions guard the admin site only: all or nothing."""
        from apps.accounts import policy  # it reads people, so it cannot be imported before them

        return policy.is_admin(self)

    def has_module_perms(self, app_label: str) -> bool:
        """See `has_perm`."""
        return self.has_perm(app_label)

    def _access_facts(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in ACCESS_FIELDS if name in self.__dict__}


class GrantQuerySet(models.QuerySet["Grant"]):
    """Changes of many grants at once are announced like changes of one."""

    def update(self, **kwargs: Any) -> int:
        """As Django's."""
        touched = set(self.values_list("user_id", flat=True))
        return _announced(touched, super().update(**kwargs))

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's."""
        touched = set(self.values_list("user_id", flat=True))
        return _announced(touched, super().delete())

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list["Grant"]:
        """As Django's."""
        grants: Sequence[Grant] = list(objs)
        return _announced({grant.user_id for grant in grants}, super().bulk_create(grants, *args, **kwargs))


def _announced(users: set[int], result: Result) -> Result:
    for pk in users:
        announce(pk)
    return result


class Grant(models.Model):
    """A role for a person: on one cluster (its slug) or all ("*"), for one business or all ("*")."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants", verbose_name=_("person"))
    role = models.CharField(_("role"), max_length=16, choices=Role.choices)
    cluster = models.CharField(
        _("cluster"),
        max_length=63,
        default=EVERY,
        validators=[
            RegexValidator(
                r"^(\*|[a-z0-9]([a-z0-9-]*[a-z0-9])?)$", _("A cluster's short name, or * for all.")
            )
        ],
        help_text=_("A cluster's short name, or * for all clusters."),
    )
    business = models.CharField(
        _("business"),
        max_length=63,
        default=EVERY,
        validators=[
            RegexValidator(
                r"^(\*|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)$", _("A business tag, or * for all.")
            )
        ],
        help_text=_("A business tag, or * for all businesses."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["Grant"]] = GrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "cluster", "business"], name="accounts_grant_one_role_per_scope"
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="accounts_grant_known_role"
            ),
        ]
        ordering = ["user_id", "cluster", "business"]
        verbose_name = _("role")

    def __str__(self) -> str:
        return f"{self.user}: {self.role} ({self.cluster}/{self.business})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """As Django's; announced."""
        super().save(*args, **kwargs)
        announce(self.user_id)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """As Django's; announced."""
        result = super().delete(*args, **kwargs)
        announce(self.user_id)
        return result


class ApiToken(models.Model):
    """A program's key to act as a person.

    Only its SHA-256 is kept: the text is shown once, when it is made.
    """

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("person")
    )
    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(_("begins with"), max_length=12)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = _("API token")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def usable(self) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and self.expires_at > timezone.now()

    @classmethod
    def issue(cls, *, user: User, name: str, expires_at: datetime) -> tuple["ApiToken", str]:
        """A new token and its text, which nobody can read again."""
        text = KEY_START + secrets.token_urlsafe(32)
        token = cls.objects.create(
            user=user, name=name, expires_at=expires_at, prefix=text[:12], digest=cls.digest_of(text)
        )
        return token, text

    @staticmethod
    def digest_of(text: str) -> str:
        """SHA-256 as hex. The text has 256 random bits, so a slow password hash would add nothing."""
        return hashlib.sha256(text.encode()).hexdigest()
