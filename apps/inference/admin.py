"""Records of deployments in the admin site: to look at, never to change."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from apps.inference.models import ModelDeployment, Revision

if TYPE_CHECKING:  # django-stubs knows these as generic, Django itself does not
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline


class ReadOnly:
    """No adding, changing or deleting: records begin and end with actions."""

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Never: records are history."""
        return False


class RevisionInline(ReadOnly, TabularInline):
    """What was sent to the cluster, below its deployment."""

    model = Revision
    fields = ["number", "by", "at", "manifests"]


@admin.register(ModelDeployment)
class ModelDeploymentAdmin(ReadOnly, ModelAdmin):
    """Who deployed what."""

    list_display = [
        "name",
        "cluster",
        "namespace",
        "kind",
        "model_id",
        "created_by",
        "created_at",
        "removed_at",
    ]
    list_filter = ["cluster", "kind", "engine"]
    search_fields = ["name", "model_id", "created_by"]
    inlines = [RevisionInline]
