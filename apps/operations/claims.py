"""Who may write about an operation: claims with a lease and a fencing number (`epoch`).

Every move is one conditional UPDATE by the database's clock. Whoever takes an operation over raises the
epoch, so that all later writes of the former runner match no row.
"""

import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from apps.operations import timing
from apps.operations.control import Fenced
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus


@dataclass(frozen=True)
class Claim:
    """The right to write about one operation, until somebody else raises its epoch."""

    operation_id: int
    epoch: int

    def held(self) -> QuerySet[Operation]:
        """The operation's row as long as this claim holds; no row afterwards."""
        return Operation.objects.filter(
            pk=self.operation_id, epoch=self.epoch, status=OperationStatus.RUNNING
        )

    def write(self, **changes: Any) -> None:
        """Change the row and renew the lease; raises Fenced when the claim holds no longer."""
        if not self.held().update(**{"lease_until": lease_end(), **changes}):
            raise Fenced


def worker_name() -> str:
    """This process in words: host and process number."""
    return f"{socket.gethostname()}:{os.getpid()}"


def lease_end() -> Any:
    """The database's now plus one lease."""
    return Now() + timedelta(seconds=timing.LEASE)


def due() -> Q:
    """Operations that a worker may claim now: queued ones, and waiting ones whose next look has come."""
    soon = Now() + timedelta(seconds=timing.EARLY)
    return Q(status=OperationStatus.QUEUED) | Q(status=OperationStatus.WAITING, next_look_at__lte=soon)


def claim(pk: int) -> Claim | None:
    """Take the operation for this process; None when it is not due or somebody else was faster."""
    epoch = Operation.objects.filter(due(), pk=pk).values_list("epoch", flat=True).first()
    if epoch is None:
        return None
    taken = Operation.objects.filter(due(), pk=pk, epoch=epoch).update(
        status=OperationStatus.RUNNING,
        epoch=F("epoch") + 1,
        lease_until=lease_end(),
        next_look_at=None,
        worker=worker_name(),
        sends=0,
        started_at=Coalesce("started_at", Now()),
    )
    return Claim(pk, epoch + 1) if taken else None
