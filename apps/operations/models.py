"""What the database knows of long work: the operation, its steps and its numbered lines.

The row is the truth; the queue carries only its number. Moves between states are conditional UPDATEs in
`claims.py`.
"""

from datetime import timedelta

from django.db import models
from django.db.models import Case, F, Q, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.audit.entries import Target
from apps.operations.statuses import ACTIVE, OperationStatus, StepState

AT_WORK = Case(When(status__in=ACTIVE, then=0), default=1)
TOOK = F("ended_at") - F("created_at")


class Operation(models.Model):
    """One piece of long work: who asked for what and why, where it stands, how it ended."""

    runner = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    queue = models.CharField(max_length=20)
    params = models.JSONField(default=dict)
    status = models.CharField(max_length=12, choices=OperationStatus.choices, default=OperationStatus.QUEUED)
    message = models.TextField(blank=True)
    result = models.JSONField(default=dict, blank=True)

    target_kind = models.CharField(max_length=50)
    target_name = models.CharField(max_length=253)
    target_cluster = models.CharField(max_length=100, blank=True)
    target_namespace = models.CharField(max_length=63, blank=True)
    target_business = models.CharField(max_length=63, blank=True)
    exclusive_key = models.CharField(max_length=500, blank=True)

    # The person is kept as text too, like in the audit, so that deleting one changes no history.
    actor_id = models.BigIntegerField(null=True, blank=True)
    actor_name = models.CharField(max_length=150)
    permission = models.CharField(max_length=100, blank=True)
    reason = models.TextField(blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=200, blank=True)
    retry_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retries"
    )

    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    sends = models.PositiveIntegerField(default=0)
    next_look_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.CharField(max_length=150, blank=True)

    epoch = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=200, blank=True)
    deaths = models.PositiveSmallIntegerField(default=0)
    last_seq = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["sent_at"], name="operation_active", condition=Q(status__in=ACTIVE)),
            models.Index(fields=["target_cluster", "target_kind", "target_name"], name="operation_target"),
            models.Index(fields=["actor_id", "-id"], name="operation_actor"),
            models.Index(AT_WORK, F("id").desc(), name="operation_at_work"),
            models.Index(fields=["title", "id"], name="operation_by_title"),
            models.Index(fields=["status", "id"], name="operation_by_state"),
            models.Index(fields=["target_name", "id"], name="operation_by_target"),
            models.Index(fields=["actor_name", "id"], name="operation_by_person"),
            models.Index(fields=["created_at", "id"], name="operation_by_begin"),
            models.Index(TOOK, F("id"), name="operation_by_length"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["exclusive_key"],
                condition=Q(status__in=ACTIVE) & ~Q(exclusive_key=""),
                name="operation_one_active_per_target",
            ),
            models.UniqueConstraint(
                fields=["actor_name", "key"], condition=~Q(key=""), name="operation_idempotency_key"
            ),
            models.CheckConstraint(
                condition=Q(status__in=OperationStatus.values), name="operation_known_status"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.target_name}"

    @property
    def state(self) -> OperationStatus:
        """The status with its label and colour."""
        return OperationStatus(self.status)

    @property
    def active(self) -> bool:
        """Whether it has not ended yet."""
        return self.state.active

    @property
    def ending(self) -> bool:
        """Whether somebody asked to cancel it and it has not ended yet."""
        return self.active and self.cancel_requested_at is not None

    @property
    def target(self) -> Target:
        """What the work is done on."""
        return Target(
            kind=self.target_kind,
            name=self.target_name,
            cluster=self.target_cluster,
            namespace=self.target_namespace,
            business=self.target_business,
        )

    def audit_target(self) -> Target:
        """The operation itself as the object of an action (cancel, retry)."""
        return Target(
            kind="operation",
            name=str(self.pk),
            cluster=self.target_cluster,
            namespace=self.target_namespace,
            business=self.target_business,
        )


class OperationStep(models.Model):
    """One step: a `once` with its result, a `wait` with its deadline, or a script and how far it was read."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="steps")
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=12, choices=StepState.choices, default=StepState.RUNNING)
    message = models.TextField(blank=True)
    result = models.JSONField(null=True, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=1)
    script = models.JSONField(null=True, blank=True)
    script_offset = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["operation", "title"], name="operation_step_once"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def status(self) -> StepState:
        """The state with its label and colour."""
        return StepState(self.state)

    @property
    def took(self) -> timedelta | None:
        """From its begin to its end, in whole seconds; None while it runs."""
        if self.ended_at is None:
            return None
        return timedelta(seconds=max(0, round((self.ended_at - self.started_at).total_seconds())))

    @property
    def done(self) -> bool:
        """Whether its result is kept and it is passed over from now on."""
        return self.state == StepState.DONE


class OperationLine(models.Model):
    """One line of an operation's log; `seq` counts from 1 without gaps within the operation."""

    class Stream(models.TextChoices):
        LOG = "log", _("Log")
        OUT = "out", _("Output")
        SYSTEM = "system", _("Portal")

    pk = models.CompositePrimaryKey("operation_id", "seq")
    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="lines", db_index=False)
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    stream = models.CharField(max_length=6, choices=Stream.choices)
    step = models.CharField(max_length=200, blank=True)
    text = models.TextField()

    class Meta:
        ordering = ["operation_id", "seq"]

    def __str__(self) -> str:
        return self.text


class Duty(models.Model):
    """When a periodic duty was last given out (`periodic.py`)."""

    name = models.CharField(max_length=100, primary_key=True)
    called_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
