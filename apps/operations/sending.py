"""Putting operations on the queue. The message is a hint: without it the sweeper finds the row."""

import logging
from functools import partial

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from apps.operations.models import Operation
from apps.operations.registry import LIMITS

log = logging.getLogger(__name__)


def send_on_commit(pk: int, queue: str, *, after: float = 0) -> None:
    """Send once the running transaction is committed (at once outside of one). Never raises."""
    transaction.on_commit(partial(send, pk, queue, after=after), robust=True)


def send(pk: int, queue: str, *, after: float = 0) -> bool:
    """Send the number to `queue`, to be taken up in `after` seconds; False where the broker is away."""
    from apps.operations.tasks import run  # tasks import the runner, which sends

    limit = LIMITS[queue]
    try:
        run.apply_async(
            (pk,), queue=queue, countdown=after or None, soft_time_limit=limit, time_limit=limit + 30
        )
    except Exception:
        log.warning("operation %s not sent; the sweeper will", pk, exc_info=True)
        return False
    Operation.objects.filter(pk=pk).update(sent_at=Now(), sends=F("sends") + 1)
    return True
