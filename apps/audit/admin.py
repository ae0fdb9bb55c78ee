"""The audit in the admin site: read only, as the database has it."""

from django.contrib import admin

from apps.accounts.admin_records import ReadOnlyAdmin
from apps.audit.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Entries, newest first."""

    list_display = ("at", "actor_name", "code", "target_name", "cluster", "outcome", "via")
    list_filter = ("outcome", "via")
    search_fields = ("actor_name", "code", "target_name")
    show_full_result_count = False
