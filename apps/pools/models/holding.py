"""The history: who had which pod, from when to when."""

from django.db import models
from django.db.models import F, Q

from apps.pools.models.intent import Intent
from apps.pools.models.record import PoolRecord
from apps.pools.statuses import Source


class Holding(models.Model):
    """An interval in which one pod had one business; open (`to_at` null) while it lasts.

    A live pod has exactly one open interval. `version` is the pod's resourceVersion at which the business was
    first seen: it orders the intervals of one pod, also against news that comes late. `by` is a person's
    name, or the field manager of an external change. `instance_type` and `node_gpus` are the node's, kept
    because nodes come and go; blank and 0 until the pod has a node that the mirror knows.
    """

    pool = models.ForeignKey(PoolRecord, on_delete=models.CASCADE, related_name="holdings")
    pod_uid = models.CharField(max_length=128)
    pod_name = models.CharField(max_length=253)
    node = models.CharField(max_length=253, blank=True)
    gpus = models.PositiveIntegerField(default=0)
    instance_type = models.CharField(max_length=64, blank=True)
    node_gpus = models.PositiveIntegerField(default=0)
    business = models.CharField(max_length=63, blank=True)
    previous = models.CharField(max_length=63, blank=True)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=10, choices=Source.choices)
    by = models.CharField(max_length=150, blank=True)
    reason = models.TextField(blank=True)
    version = models.BigIntegerField(default=0)
    intent = models.OneToOneField(
        Intent, on_delete=models.RESTRICT, null=True, blank=True, related_name="holding"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "pod_uid"], condition=Q(to_at=None), name="pools_one_open_holding_per_pod"
            ),
            models.CheckConstraint(
                condition=Q(to_at=None) | Q(to_at__gte=F("from_at")), name="pools_holding_forward"
            ),
        ]
        indexes = [models.Index(fields=["pool", "-from_at", "-id"], name="pools_holding_history")]
        ordering = ["-from_at", "-id"]

    def __str__(self) -> str:
        return f"{self.pod_name}: {self.business} ({self.source})"
