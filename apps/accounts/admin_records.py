"""Records in the admin site that begin and end with actions: to look at, never to change."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

if TYPE_CHECKING:  # django-stubs knows these as generic, Django itself does not
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline


class ReadOnly:
    """No adding, changing or deleting, whatever the person's role."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never: records are history."""
        return False


class ReadOnlyAdmin(ReadOnly, ModelAdmin):
    """A table of records, each with a page."""


class ReadOnlyInline(ReadOnly, TabularInline):
    """Records below the one they belong to."""
