"""What a deployment is, who may reach it, and how it does, with words and colours."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from apps.gateways import labels


class Kind(TextChoices):
    """How its pods serve; the value is the label `deployment-type`."""

    STANDARD = labels.STANDARD, _("Standard")
    POOL = labels.MODEL_POOL, _("Model Pool")
    OTHER = "other", _("Other")

    @property
    def colour(self) -> str:
        """A Tabler colour name."""
        return {self.STANDARD: "blue", self.POOL: "purple"}.get(self, "secondary")


class Access(TextChoices):
    """Who reaches a standard deployment's Service."""

    CLUSTER = "cluster", _("Inside the cluster")
    INTERNAL = "internal", _("Internal load balancer")
    EXTERNAL = "external", _("Public load balancer")
    NONE = "none", _("No Service")

    @property
    def load_balancer(self) -> str | None:
        """The scheme that AWS' load balancer controller knows; None where there is no load balancer."""
        return {self.INTERNAL: "internal", self.EXTERNAL: "internet-facing"}.get(self)


class Health(TextChoices):
    """How many of the wanted pods are ready."""

    READY = "ready", _("Ready")
    PARTIAL = "partial", _("Partly ready")
    STARTING = "starting", _("Starting")
    STOPPED = "stopped", _("Scaled to 0")
    DELETING = "deleting", _("Being deleted")

    @property
    def colour(self) -> str:
        """A Tabler colour name."""
        return _COLOURS[self.value]


_COLOURS = {
    "ready": "green",
    "partial": "orange",
    "starting": "blue",
    "stopped": "secondary",
    "deleting": "orange",
}


def health_of(*, wanted: int, ready: int, deleting: bool = False) -> Health:
    """The health of `ready` of `wanted` pods."""
    if deleting:
        return Health.DELETING
    if wanted == 0:
        return Health.STOPPED
    if ready >= wanted:
        return Health.READY
    return Health.PARTIAL if ready else Health.STARTING
