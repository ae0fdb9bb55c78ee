"""The mirror: what each cluster last said about its objects, and since when we know."""

from datetime import timedelta
from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone

STALE_AFTER = timedelta(seconds=15)


class ClusterObject(models.Model):
    """One object of a cluster: its labels whole, the rest as a slim projection made by its Kind.

    `version` rises with every change of the projection and begins at the time in ms, so that a version never
    comes back, not even when an object is made again: place and version name one state. `cluster_id` is a
    plain number, as the clusters app stands above this one.
    """

    cluster_id = models.IntegerField()
    kind = models.CharField(max_length=64)
    namespace = models.CharField(max_length=253, blank=True)
    name = models.CharField(max_length=253)
    uid = models.CharField(max_length=128, blank=True)
    resource_version = models.BigIntegerField(default=0)
    labels: "models.JSONField[dict[str, str], dict[str, str]]" = models.JSONField(default=dict)
    data: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    created_at = models.DateTimeField(null=True, blank=True)
    version = models.BigIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cluster_id", "kind", "namespace", "name"], name="live_object_place"
            ),
        ]
        indexes = [GinIndex(fields=["labels"], opclasses=["jsonb_path_ops"], name="live_object_labels")]

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class SyncState(models.Model):
    """How well the mirror of one kind of one cluster follows: the source writes it, pages show it.

    `synced_at`: the last whole list; `seen_at`: the last moment at which the source knew the mirror to be
    current; `error`: why it is not, in people's words, since `failing_since`. `epoch` fences off a source
    that was replaced; `lists` counts whole lists, so that frequent restarts of a watch can be seen.
    """

    cluster_id = models.IntegerField()
    kind = models.CharField(max_length=64)
    resource_version = models.BigIntegerField(default=0)
    synced_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    epoch = models.BigIntegerField(default=0)
    lists = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cluster_id", "kind"], name="live_sync_place")]

    def __str__(self) -> str:
        return f"{self.kind} of cluster {self.cluster_id}"

    @property
    def loaded(self) -> bool:
        """Whether the cluster has answered at all: before that, an empty list means nothing."""
        return self.synced_at is not None

    @property
    def stale(self) -> bool:
        """Whether what the mirror says may be outdated: an error, or nothing heard for a while."""
        return bool(self.error) or self.seen_at is None or timezone.now() - self.seen_at > STALE_AFTER
