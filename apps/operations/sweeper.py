"""The backstop, called every 5 s: sends again what no worker took, and takes operations from dead workers.

Each move is conditional on the row, so two sweeps at once do no harm; an advisory lock only spares the
second its work.
"""

import logging
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from apps.operations import registry, sending, timing
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from apps.operations.takeover import end_from_outside, needs_a_worker, take_over

log = logging.getLogger(__name__)
LOCK = 0x6F7065726174  # any number that nothing else in this database locks
AT_MOST = 1000


def sweep() -> None:
    """Look once over all active operations."""
    with transaction.atomic():
        if not alone():
            return
        dead = list(dead_rows()[:AT_MOST])
        unsent = list(unsent_rows().values_list("pk", "queue")[:AT_MOST])
    for operation in dead:
        bury(operation)
    for pk, queue in unsent:
        if not sending.send(pk, queue):
            break  # the broker is away: the rest would only wait for the same answer


def alone() -> bool:
    """Whether no other sweep runs at this moment; the lock ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def dead_rows() -> QuerySet[Operation]:
    """Operations whose worker gave no sign for a whole lease."""
    return Operation.objects.filter(status=OperationStatus.RUNNING, lease_until__lt=Now()).order_by("pk")


def unsent_rows() -> QuerySet[Operation]:
    """Queued or overdue operations without a message, or with one so old that it may be lost.

    After a few messages it goes slower: then the workers are busy, and more messages would only pile up.
    """
    overdue = Now() - timedelta(seconds=timing.RESEND_FIRST)
    waits = Q(status=OperationStatus.QUEUED) | Q(status=OperationStatus.WAITING, next_look_at__lt=overdue)
    silent = Q(sent_at=None) | Q(sent_at__lt=Now() - timedelta(seconds=timing.RESEND_MOST))
    return Operation.objects.filter(
        waits, silent | Q(sent_at__lt=overdue, sends__lte=timing.RESEND_FEW)
    ).order_by("pk")


def bury(operation: Operation) -> None:
    """Hand the operation of a dead worker to another one, or end it where that cannot go on."""
    pk, worker, rows = operation.pk, operation.worker, dead_rows()
    runner = registry.get(operation.runner)
    silence = _("Its worker %(worker)s gave no sign for %(seconds)d s.") % {
        "worker": worker,
        "seconds": timing.LEASE,
    }
    cleanup = bool(runner and runner.cleanup)
    if operation.cancel_requested_at and not needs_a_worker(operation, has_cleanup=cleanup):
        end_from_outside(rows, pk, OperationStatus.CANCELLED, _("Cancelled by %s.") % operation.cancelled_by)
    elif runner is None or not runner.resumable:
        end_from_outside(rows, pk, OperationStatus.LOST, f"{silence} {_('Nobody knows how far it came.')}")
    elif operation.deaths + 1 >= timing.MOST_DEATHS:
        message = _("Given up: %d workers died over it.") % (operation.deaths + 1)
        end_from_outside(rows, pk, OperationStatus.FAILED, f"{silence} {message}")
    elif take_over(rows, pk, silence, status=OperationStatus.QUEUED, deaths=F("deaths") + 1, sent_at=None):
        sending.send(pk, operation.queue)
