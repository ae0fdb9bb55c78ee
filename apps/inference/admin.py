"""Records of deployments in the admin site: to look at, never to change."""

from django.contrib import admin

from apps.accounts.admin_records import ReadOnlyAdmin, ReadOnlyInline
from apps.inference.models import ModelDeployment, Revision


class RevisionInline(ReadOnlyInline):
    """What was sent to the cluster, below its deployment."""

    model = Revision
    fields = ["number", "by", "at", "manifests"]


@admin.register(ModelDeployment)
class ModelDeploymentAdmin(ReadOnlyAdmin):
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
