"""Stored objects read as plain values (rule 15: no model instances on hot paths)."""

from django.db.models import QuerySet

from apps.live.models import ClusterObject
from apps.live.rows import Row

FIELDS = ("id", "namespace", "name", "uid", "resource_version", "labels", "data", "created_at", "version")


def rows(queryset: "QuerySet[ClusterObject, ClusterObject]") -> list[Row]:
    """The query's objects as plain values, in its order."""
    return [Row(**values) for values in queryset.values(*FIELDS)]
