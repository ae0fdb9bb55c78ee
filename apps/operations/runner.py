"""The life of an operation in a worker: claim, run in the requester's name, end. The only place where it ends
by itself.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import InterfaceError, OperationalError
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from apps.audit import context
from apps.live import publish, topics
from apps.operations import claims, lines, registry, scripts, sending
from apps.operations.control import Cancelled, Fenced, GivenBack, OperationFailed
from apps.operations.ledger import Ledger
from apps.operations.models import Operation, OperationLine
from apps.operations.pulse import Pulse
from apps.operations.registry import Runner
from apps.operations.run import Run
from apps.operations.statuses import OperationStatus
from apps.operations.takeover import close_steps

log = logging.getLogger(__name__)


def execute(pk: int) -> bool:
    """Take the operation up where it stands; False when it is not due or somebody else has it."""
    before = Operation.objects.filter(pk=pk).values_list("status", flat=True).first()
    claim = claims.claim(pk)
    if claim is None:
        return False
    operation = Operation.objects.get(pk=pk)
    if before == OperationStatus.QUEUED:
        publish.publish(topics.operation(pk), topics.operations())
    stretch(operation, Ledger(claim, last_seq=operation.last_seq))
    return True


def stretch(operation: Operation, ledger: Ledger) -> None:
    """One stretch of the run, with whatever comes of it."""
    try:
        with ExitStack() as stack:
            stack.enter_context(requester(operation))
            stack.enter_context(Pulse(ledger))
            status, message, results = outcome(operation, ledger)
            end(operation, ledger, status, message, results)
    except GivenBack as pause:
        sending.send(operation.pk, operation.queue, after=pause.after)
    except Fenced:
        log.warning("operation %s: handed to another worker, nothing more written", operation.pk)
    except (OperationalError, InterfaceError):
        log.exception(
            "operation %s: the database went away; the sweeper lets another worker continue", operation.pk
        )


@contextmanager
def requester(operation: Operation) -> Iterator[None]:
    """The circumstances of whoever asked for the work: for the audit, and on every line of the log."""
    with (
        context.acting_as(
            actor_id=operation.actor_id,
            actor_name=operation.actor_name,
            request_id=operation.request_id,
            operation_id=operation.pk,
            reason=operation.reason,
        ),
        structlog.contextvars.bound_contextvars(
            operation_id=operation.pk, runner=operation.runner, request_id=operation.request_id
        ),
    ):
        yield


def outcome(operation: Operation, ledger: Ledger) -> tuple[OperationStatus, str, dict[str, Any]]:
    """Run, and say how it ended: state, words, results. Lets GivenBack, Fenced and a lost database pass."""
    runner = registry.get(operation.runner)
    if runner is None:
        return (
            OperationStatus.FAILED,
            _("This version of the portal does not know %s.") % operation.runner,
            {},
        )
    run = Run(operation, ledger, resumable=runner.resumable)
    try:
        attempt(run, runner)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001  whatever a runner raises ends the operation in words
        return OperationStatus.FAILED, words(error, operation), run.results
    except Cancelled:
        return OperationStatus.CANCELLED, _("Cancelled by %s.") % who_cancelled(operation), run.results
    return OperationStatus.SUCCEEDED, "", run.results


def attempt(run: Run, runner: Runner) -> None:
    """Call the runner; after a cancel call what takes its work back."""
    try:
        introduce(run)
        runner(run, **run.operation.params)
    except Cancelled:
        run.shield()
        scripts.stop_left(run.ledger, run.operation.steps.iterator())
        if runner.cleanup is not None:
            runner.cleanup(run, **run.operation.params)
        raise


def introduce(run: Run) -> None:
    """Say who continues after a worker died, and stop where the wish to cancel came before the claim."""
    if run.operation.deaths:
        say(run.ledger, _("Continued by %s.") % run.operation.worker)
    run.checkpoint()


def end(
    operation: Operation, ledger: Ledger, status: OperationStatus, message: str, results: dict[str, Any]
) -> None:
    """Write the end: the row, its unfinished steps and the last lines in one fenced transaction."""
    if message:
        say(ledger, message)
    ledger.save(
        lambda: close_steps(operation.pk, status),
        status=status,
        message=lines.clean(message),
        result=results,
        ended_at=Now(),
        lease_until=None,
    )
    publish.publish(topics.operation(operation.pk), topics.operations(), topics.lines(operation.pk))


def say(ledger: Ledger, text: str) -> None:
    """A line of the portal itself."""
    ledger.add(lines.split(text, stream=OperationLine.Stream.SYSTEM))


def who_cancelled(operation: Operation) -> str:
    """The name of whoever asked."""
    operation.refresh_from_db(fields=["cancelled_by"])
    return operation.cancelled_by


def words(error: Exception, operation: Operation) -> str:
    """What went wrong, for people. The portal's own faults are logged whole and named only by their kind."""
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    if isinstance(error, OperationFailed | PermissionDenied) or hasattr(error, "problem_status"):
        return str(error)
    if message := getattr(error, "message", ""):
        return str(message)
    log.exception("operation %s (%s) failed", operation.pk, operation.runner, exc_info=error)
    if isinstance(error, SoftTimeLimitExceeded):
        return _("It took longer than this kind of work may.")
    return _("Something went wrong inside the portal (%s).") % type(error).__name__
