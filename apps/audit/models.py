"""The audit itself: one append-only table."""

from typing import Any, NoReturn

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.audit import registry


class Outcome(models.TextChoices):
    """How an attempt ended."""

    DONE = "done", _("Done")
    DENIED = "denied", _("Denied")
    FAILED = "failed", _("Failed")

    @property
    def color(self) -> str:
        """Its semantic colour."""
        return {Outcome.DONE: "green", Outcome.DENIED: "orange", Outcome.FAILED: "red"}[self]


class AppendOnly(Exception):
    """Somebody tried to change or delete an audit entry."""


class AuditEntry(models.Model):
    """One attempt to change something: done, denied or failed.

    The actor is kept as number and text, not as a relation, so that deleting a person changes no entry.
    UPDATE, DELETE and TRUNCATE are refused by triggers (migration 0001).
    """

    at = models.DateTimeField(_("time"), default=timezone.now)
    actor_id = models.BigIntegerField(null=True, blank=True)
    actor_name = models.CharField(_("person"), max_length=150)
    code = models.CharField(_("action"), max_length=100)
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome.choices)
    target_kind = models.CharField(max_length=40, blank=True)
    target_name = models.CharField(max_length=253, blank=True)
    cluster = models.CharField(_("cluster"), max_length=63, blank=True)
    namespace = models.CharField(max_length=63, blank=True)
    business = models.CharField(max_length=63, blank=True)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    message = models.TextField(blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    via = models.CharField(max_length=16, blank=True)
    operation_id = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_newest"),
            models.Index(fields=["actor_name", "-at", "-id"], name="audit_actor"),
            models.Index(fields=["code", "-at", "-id"], name="audit_code"),
            models.Index(fields=["outcome", "-at", "-id"], name="audit_outcome"),
            models.Index(fields=["target_name", "-at", "-id"], name="audit_target"),
            models.Index(fields=["cluster", "-at", "-id"], name="audit_cluster"),
            models.Index(fields=["request_id"], name="audit_request", condition=~models.Q(request_id="")),
            models.Index(
                fields=["operation_id"], name="audit_operation", condition=~models.Q(operation_id="")
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(outcome__in=Outcome.values), name="audit_known_outcome")
        ]

    @property
    def label(self) -> str:
        """What was attempted, in words."""
        return registry.label(self.code)

    @property
    def shown_outcome(self) -> Outcome:
        """The outcome with its label and colour."""
        return Outcome(self.outcome)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name} {self.code} {self.target_name}: {self.outcome}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert only."""
        if not self._state.adding:
            raise AppendOnly("Audit entries cannot be changed.")
        super().save(*args, force_insert=True)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Never."""
        raise AppendOnly("Audit entries cannot be deleted.")
