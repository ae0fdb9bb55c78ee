"""Pools in the admin site: what was decided and who had which pod, to look at; node prices, to keep."""

from django.contrib import admin

from apps.accounts.admin import RecordedAdmin
from apps.accounts.admin_records import ReadOnlyAdmin
from apps.pools.models import Holding, Intent, NodePrice


@admin.register(Intent)
class IntentAdmin(ReadOnlyAdmin):
    """Changes of hands as they were decided, newest first."""

    list_display = ("made_at", "pool", "pod_name", "origin", "business", "state", "source", "actor_name")
    list_filter = ("state", "source", "pool")
    list_select_related = ("pool__cluster",)
    search_fields = ("pod_name", "business", "actor_name", "batch")
    ordering = ("-made_at",)
    show_full_result_count = False


@admin.register(Holding)
class HoldingAdmin(ReadOnlyAdmin):
    """The history: intervals in which a pod had one business."""

    list_display = ("from_at", "to_at", "pool", "pod_name", "business", "previous", "source", "by")
    list_filter = ("source", "pool")
    list_select_related = ("pool__cluster",)
    search_fields = ("pod_name", "business", "by")
    show_full_result_count = False


@admin.register(NodePrice)
class NodePriceAdmin(RecordedAdmin):
    """What a node costs per hour, by instance type; the history reckons with it."""

    list_display = ("instance_type", "price", "currency")
    search_fields = ("instance_type",)
