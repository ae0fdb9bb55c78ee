"""States of an intent and sources of a change, with their words and colours."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class IntentState(TextChoices):
    """Where a change of hands stands. Everything but `open` is final."""

    OPEN = "open", _("under way")
    DONE = "done", _("done")
    REFUSED = "refused", _("refused")
    FAILED = "failed", _("failed")

    @property
    def colour(self) -> str:
        """The badge's colour."""
        return {"open": "blue", "done": "green", "refused": "yellow", "failed": "red"}[self.value]


class Source(TextChoices):
    """Who changed a pod's business."""

    PORTAL = "portal", _("a person, through the portal")
    RECONCILER = "reconciler", _("the portal itself")
    EXTERNAL = "external", _("someone else, in the cluster")
    CLUSTER = "cluster", _("the pod started")
