"""What a pool's businesses are entitled to, and what holds the reconciler back."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.pools.models.record import PoolRecord

DWELL, PATIENCE = 120, 60


class SharePolicy(models.Model):
    """Whether the portal keeps a pool's shares. `dwell`: seconds that a weight must be missed before pods
    move; `patience`: seconds that a lent pod may be not Ready before a spare takes its place.
    """

    pool = models.OneToOneField(PoolRecord, on_delete=models.CASCADE, related_name="share_policy")
    enabled = models.BooleanField(_("on"), default=False)
    paused = models.BooleanField(_("paused"), default=False)
    dwell = models.PositiveIntegerField(default=DWELL)
    patience = models.PositiveIntegerField(default=PATIENCE)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("share policy")
        verbose_name_plural = _("share policies")

    def __str__(self) -> str:
        return f"{self.pool}: {'on' if self.active else 'off'}"

    @property
    def active(self) -> bool:
        """Whether the reconciler acts on it."""
        return self.enabled and not self.paused


class Share(models.Model):
    """One business' part of a pool, in serving pods: a fixed `count`, or a `weight` of what is left.

    `floor` is kept whatever else happens. `missed_since`: when the business was first seen with less.
    """

    policy = models.ForeignKey(SharePolicy, on_delete=models.CASCADE, related_name="shares")
    business = models.CharField(max_length=63)
    count = models.PositiveIntegerField(null=True, blank=True)
    weight = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    floor = models.PositiveIntegerField(default=0)
    missed_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["business"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "business"], name="pools_one_share_per_business"),
            models.CheckConstraint(
                condition=Q(count=None, weight__gte=1) | Q(count__gte=F("floor"), weight=None),
                name="pools_share_count_or_weight",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.business}: {self.count if self.weight is None else f'weight {self.weight}'}"


class ShareException(models.Model):
    """A pod that a person lent elsewhere for a while: until then `origin` may have one less."""

    pool = models.ForeignKey(PoolRecord, on_delete=models.CASCADE, related_name="share_exceptions")
    pod_uid = models.CharField(max_length=128)
    pod_name = models.CharField(max_length=253)
    origin = models.CharField(max_length=63)
    business = models.CharField(max_length=63)
    by = models.CharField(max_length=150)
    until = models.DateTimeField()

    class Meta:
        ordering = ["until"]
        constraints = [
            models.UniqueConstraint(fields=["pool", "pod_uid"], name="pools_one_exception_per_pod")
        ]

    def __str__(self) -> str:
        return f"{self.pod_name}: {self.business} until {self.until}"


class Aside(models.Model):
    """A pod that the reconciler replaced; it lends it to nobody until a person has looked at it."""

    pool = models.ForeignKey(PoolRecord, on_delete=models.CASCADE, related_name="asides")
    pod_uid = models.CharField(max_length=128)
    pod_name = models.CharField(max_length=253)
    business = models.CharField(max_length=63)
    reason = models.TextField()
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-since"]
        constraints = [models.UniqueConstraint(fields=["pool", "pod_uid"], name="pools_one_aside_per_pod")]

    def __str__(self) -> str:
        return f"{self.pod_name}: {self.reason}"
