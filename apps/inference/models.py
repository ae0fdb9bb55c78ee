"""Records of what people deployed: who, what, every revision's manifests. What runs is told by the mirror."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.audit.entries import Target
from apps.clusters.models import Cluster
from apps.inference.commands import Engine
from apps.inference.statuses import Access, Kind


class ModelDeployment(models.Model):
    """One wish to serve a model. `removed_at` is set when it was deleted, or never came to be."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="model_deployments")
    namespace = models.CharField(_("namespace"), max_length=63)
    name = models.CharField(_("name"), max_length=63)
    kind = models.CharField(_("type"), max_length=16, choices=Kind.choices)
    engine = models.CharField(_("engine"), max_length=16, choices=Engine.choices)
    model_id = models.CharField(_("model"), max_length=300)
    command = models.TextField(_("command"))
    image = models.CharField(_("image"), max_length=300)
    port = models.PositiveIntegerField(_("port"))
    gpus = models.PositiveIntegerField(_("GPUs per pod"))
    replicas = models.PositiveIntegerField(_("replicas"))
    access = models.CharField(_("access"), max_length=16, choices=Access.choices, default=Access.NONE)
    secret_name = models.CharField(max_length=63, blank=True)
    operation_id = models.BigIntegerField(null=True, blank=True)
    request_key = models.CharField(max_length=100, blank=True)
    # The person is kept as text, like in the audit, so that deleting one changes no record.
    created_by = models.CharField(_("by"), max_length=150)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = _("deployment")
        verbose_name_plural = _("deployments")
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "namespace", "name"],
                condition=Q(removed_at=None),
                name="inference_one_deployment_of_a_name",
            ),
            models.UniqueConstraint(
                fields=["cluster", "created_by", "request_key"],
                condition=~Q(request_key=""),
                name="inference_one_deployment_per_request",
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="inference_known_kind"),
            models.CheckConstraint(condition=Q(engine__in=Engine.values), name="inference_known_engine"),
        ]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def audit_target(self) -> Target:
        """The deployment as the audit and operations name it."""
        return Target(kind="deployment", name=self.name, cluster=self.cluster.slug, namespace=self.namespace)


class Revision(models.Model):
    """What was sent to the cluster: the manifests as JSON, without secrets (they are referred to by name)."""

    deployment = models.ForeignKey(ModelDeployment, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    manifests = models.JSONField()
    by = models.CharField(max_length=150)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["deployment_id", "-number"]
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        constraints = [
            models.UniqueConstraint(fields=["deployment", "number"], name="inference_revision_number"),
        ]

    def __str__(self) -> str:
        return f"{self.deployment} #{self.number}"
