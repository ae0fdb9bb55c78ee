"""A new version of a pool on its way, and the assignments that it must not lose."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.pools.models.record import PoolRecord
from apps.pools.statuses import Source


class Rollout(models.Model):
    """One rollout, whoever began it. `wanted`: pods per business when it began; later moves of people are
    counted from the history. `before`: uid of the ReplicaSet that was the newest. `gives_up`: the business
    that has one pod less until the end, where no GPU is free. `timeout`: seconds for the last requests of a
    pod that goes. `wishes`: what was to change, for people.
    """

    pool = models.ForeignKey(PoolRecord, on_delete=models.CASCADE, related_name="rollouts")
    wanted = models.JSONField(default=dict)
    before = models.CharField(max_length=128, blank=True)
    source = models.CharField(max_length=10, choices=Source.choices)
    by = models.CharField(max_length=150, blank=True)
    gives_up = models.CharField(max_length=63, blank=True)
    wishes = models.JSONField(default=list)
    operation_id = models.CharField(max_length=40, blank=True)
    timeout = models.PositiveIntegerField(default=120)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["pool"], condition=Q(ended_at=None), name="pools_one_open_rollout"
            )
        ]

    def __str__(self) -> str:
        return f"{self.pool}: rollout of {self.started_at}"
