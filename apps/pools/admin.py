"""Pools in the admin site: what was decided and who had which pod, shares and rollouts, to look at; node
prices, to keep.
"""

from django.contrib import admin

from apps.accounts.admin import RecordedAdmin
from apps.accounts.admin_records import ReadOnlyAdmin, ReadOnlyInline
from apps.pools.models import Aside, Holding, Intent, NodePrice, Rollout, Share, ShareException, SharePolicy


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


class ShareInline(ReadOnlyInline):
    """A pool's shares, below its policy."""

    model = Share
    fields = ("business", "count", "weight", "floor", "missed_since")


@admin.register(SharePolicy)
class SharePolicyAdmin(ReadOnlyAdmin):
    """Which pools' shares are kept; they are changed on the pools' pages."""

    list_display = ("pool", "enabled", "paused", "dwell", "patience", "version")
    list_filter = ("enabled", "paused")
    list_select_related = ("pool__cluster",)
    inlines = (ShareInline,)


@admin.register(ShareException)
class ShareExceptionAdmin(ReadOnlyAdmin):
    """Pods that may be elsewhere for a while."""

    list_display = ("until", "pool", "pod_name", "origin", "business", "by")
    list_select_related = ("pool__cluster",)
    search_fields = ("pod_name", "business", "by")


@admin.register(Aside)
class AsideAdmin(ReadOnlyAdmin):
    """Pods that were replaced and wait for a person."""

    list_display = ("since", "pool", "pod_name", "business", "reason")
    list_select_related = ("pool__cluster",)
    search_fields = ("pod_name", "business")


@admin.register(Rollout)
class RolloutAdmin(ReadOnlyAdmin):
    """New versions and the assignments that they had to keep."""

    list_display = ("started_at", "ended_at", "pool", "source", "by", "gives_up")
    list_filter = ("source", "pool")
    list_select_related = ("pool__cluster",)
    search_fields = ("by",)


@admin.register(NodePrice)
class NodePriceAdmin(RecordedAdmin):
    """What a node costs per hour, by instance type; the history reckons with it."""

    list_display = ("instance_type", "price", "currency")
    search_fields = ("instance_type",)
