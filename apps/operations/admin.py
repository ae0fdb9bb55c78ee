"""Operations in the admin site: to look at, never to change."""

from django.contrib import admin

from apps.accounts.admin_records import ReadOnlyAdmin, ReadOnlyInline
from apps.operations.models import Operation, OperationStep


class StepInline(ReadOnlyInline):
    """The steps below their operation."""

    model = OperationStep
    fields = ["title", "state", "message", "started_at", "ended_at", "attempts"]


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    """The rows as they are, for whoever looks after the portal."""

    list_display = ["pk", "title", "target_name", "status", "actor_name", "created_at", "ended_at", "worker"]
    list_filter = ["status", "queue", "runner"]
    search_fields = ["target_name", "actor_name"]
    inlines = [StepInline]
