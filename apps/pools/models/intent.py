"""An intent: a change of hands that was decided, before and after the cluster heard of it."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.pools.models.record import PoolRecord
from apps.pools.statuses import IntentState, Source

ABSENT = "(none)"


class Intent(models.Model):
    """One wished change of one pod's business, from `origin` to `business`.

    `stamp` is the text of the pod's intent annotation when it was decided (ABSENT: it had none); together
    with `origin` it is what the patch compares, and no two states of a pod share both. `goal` is where a pod
    that is being drained goes next. `switched_at`: the endpoints of the new business listed the pod and
    those of the old one did not.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pool = models.ForeignKey(PoolRecord, on_delete=models.CASCADE, related_name="intents")
    pod_uid = models.CharField(max_length=128)
    pod_name = models.CharField(max_length=253)
    origin = models.CharField(max_length=63)
    business = models.CharField(max_length=63)
    goal = models.CharField(max_length=63, blank=True)
    stamp = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=8, choices=IntentState.choices, default=IntentState.OPEN)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.PORTAL)
    actor_id = models.BigIntegerField(null=True, blank=True)
    actor_name = models.CharField(max_length=150, blank=True)
    reason = models.TextField(blank=True)
    batch = models.CharField(max_length=64, blank=True)
    operation_id = models.CharField(max_length=40, blank=True)
    message = models.TextField(blank=True)
    serial = models.PositiveBigIntegerField(default=0)
    made_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)
    switched_at = models.DateTimeField(null=True, blank=True)
    idle_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "pod_uid"], condition=Q(state="open"), name="pools_one_open_intent_per_pod"
            ),
            models.CheckConstraint(condition=Q(state__in=IntentState.values), name="pools_intent_state"),
        ]
        indexes = [
            models.Index(fields=["pool", "serial"], name="pools_intent_serial"),
            models.Index(fields=["made_at"], condition=Q(state="open"), name="pools_intent_open"),
            models.Index(
                fields=["settled_at"],
                condition=Q(state="done", switched_at=None),
                name="pools_intent_switching",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pod_name}: {self.origin} -> {self.business} ({self.state})"

    @property
    def expected_stamp(self) -> str | None:
        """The annotation's text that the patch compares; None: there must be none."""
        return None if self.stamp == ABSENT else self.stamp

    @property
    def open(self) -> bool:
        """Whether its outcome is not known yet."""
        return self.state == IntentState.OPEN

    @property
    def switch_seconds(self) -> float | None:
        """Seconds from the decision until endpoints had switched; None while they have not."""
        return (self.switched_at - self.made_at).total_seconds() if self.switched_at else None
