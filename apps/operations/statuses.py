"""The states of an operation and of its steps, with their words and colours."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class OperationStatus(TextChoices):
    """Where an operation stands. `ACTIVE` and `ENDED` below share them out."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    WAITING = "waiting", _("Waiting")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    LOST = "lost", _("Lost")

    @property
    def colour(self) -> str:
        """A Tabler colour name."""
        return _COLOURS[self.value]

    @property
    def active(self) -> bool:
        """Whether something may still happen."""
        return self in ACTIVE


class StepState(TextChoices):
    """Where one step of an operation stands."""

    RUNNING = "running", _("Running")
    WAITING = "waiting", _("Waiting")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")

    @property
    def colour(self) -> str:
        """A Tabler colour name."""
        return _COLOURS[self.value]


_COLOURS = {
    "queued": "secondary",
    "running": "blue",
    "waiting": "azure",
    "succeeded": "green",
    "done": "green",
    "failed": "red",
    "cancelled": "yellow",
    "lost": "orange",
}

ACTIVE = (OperationStatus.QUEUED, OperationStatus.RUNNING, OperationStatus.WAITING)
ENDED = (
    OperationStatus.SUCCEEDED,
    OperationStatus.FAILED,
    OperationStatus.CANCELLED,
    OperationStatus.LOST,
)
