"""People, roles and tokens in the admin site; every save and delete is told to the audit."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from apps.accounts.events import AccountEvent, declare, tell
from apps.accounts.models import ApiToken, Grant, User

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    GrantTable = admin.TabularInline[Grant, User]
    PeopleAdmin = UserAdmin[User]
else:
    ModelAdmin = admin.ModelAdmin  # take types only in the stubs
    GrantTable = admin.TabularInline
    PeopleAdmin = UserAdmin

ADDED = declare("admin.add", _("Add a record"))
CHANGED = declare("admin.change", _("Change a record"))
DELETED = declare("admin.delete", _("Delete a record"))


class RecordedAdmin(ModelAdmin):
    """A ModelAdmin whose every save and delete leaves an audit entry (Django runs both in one
    transaction).
    """

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """A record was added."""
        _tell(ADDED, request, obj, after={"changes": message})
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """A record was changed; the names of the changed fields are kept, not their values."""
        _tell(CHANGED, request, obj, after={"changes": message})
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Records are about to be deleted."""
        for obj in queryset:
            _tell(DELETED, request, obj, before={"id": obj.pk})
        return super().log_deletions(request, queryset)

    @transaction.atomic
    def response_action(self, *args: Any, **kwargs: Any) -> HttpResponse | None:
        """An action on many records and its entries are kept or lost together."""
        return super().response_action(*args, **kwargs)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """One by one, so that models announce what their deletion means."""
        for obj in queryset:
            obj.delete()


def _tell(code: str, request: HttpRequest, obj: Model, **rest: Any) -> None:
    person = request.user if isinstance(request.user, User) else None
    name = str(obj)
    tell(AccountEvent.by(person, code, kind=str(obj._meta.verbose_name), name=name, **rest))


class GrantInline(GrantTable):
    """The roles of a person."""

    model = Grant
    extra = 0


@admin.register(User)
class PersonAdmin(RecordedAdmin, PeopleAdmin):
    """People and their roles. Passwords are set, never shown."""

    inlines = [GrantInline]
    list_display = ("username", "first_name", "last_name", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser", "grants__role")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Access"), {"fields": ("is_active", "is_superuser")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()


@admin.register(Grant)
class GrantAdmin(RecordedAdmin):
    """Roles across people."""

    list_display = ("user", "role", "cluster", "business", "created_at")
    list_filter = ("role", "cluster")
    search_fields = ("user__username", "cluster", "business")
    list_select_related = ("user",)


@admin.register(ApiToken)
class ApiTokenAdmin(RecordedAdmin):
    """Tokens: who has them and when they were used.

    They are made by their people; an admin can delete them.
    """

    list_display = ("user", "name", "prefix", "created_at", "expires_at", "last_used_at", "revoked_at")
    search_fields = ("user__username", "name", "prefix")
    list_select_related = ("user",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: its text would be seen by two people."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


if admin.site.is_registered(Group):
    admin.site.unregister(Group)  # roles are grants; a second kind of rights would only confuse
