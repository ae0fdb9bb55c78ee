"""Operations in the admin site: to look at, never to change."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from apps.operations.models import Operation, OperationStep

if TYPE_CHECKING:  # django-stubs knows these as generic, Django itself does not
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline


class ReadOnly:
    """No adding, changing or deleting."""

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Never: operations begin in actions."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Never: operations are history."""
        return False


class StepInline(ReadOnly, TabularInline):
    """The steps below their operation."""

    model = OperationStep
    fields = ["title", "state", "message", "started_at", "ended_at", "attempts"]


@admin.register(Operation)
class OperationAdmin(ReadOnly, ModelAdmin):
    """The rows as they are, for whoever looks after the portal."""

    list_display = ["pk", "title", "target_name", "status", "actor_name", "created_at", "ended_at", "worker"]
    list_filter = ["status", "queue", "runner"]
    search_fields = ["target_name", "actor_name"]
    inlines = [StepInline]
