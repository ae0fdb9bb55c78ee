"""Ending or handing on an operation from outside of its run: each a conditional UPDATE that raises the epoch
first.
"""

from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from apps.live import publish, topics
from apps.operations import lines
from apps.operations.models import Operation, OperationLine, OperationStep
from apps.operations.statuses import OperationStatus, StepState


def take_over(rows: QuerySet[Operation], pk: int, text: str, **changes: Any) -> bool:
    """Fence off whoever runs `pk`, change its row and write `text` as a line.

    False when the operation is not among `rows` now; then nothing is changed.
    """
    said = lines.split(text, stream=OperationLine.Stream.SYSTEM)
    with transaction.atomic():
        taken = rows.filter(pk=pk).update(
            epoch=F("epoch") + 1, lease_until=None, last_seq=F("last_seq") + len(said), **changes
        )
        if not taken:
            return False
        last = Operation.objects.values_list("last_seq", flat=True).get(pk=pk)
        lines.insert(pk, said, first=last - len(said) + 1)
    publish.publish(topics.operation(pk), topics.operations(), topics.lines(pk))
    return True


def end_from_outside(rows: QuerySet[Operation], pk: int, status: OperationStatus, message: str) -> bool:
    """End `pk` without a runner, with its open steps; False when it is not among `rows` now."""
    with transaction.atomic():
        ended = take_over(
            rows, pk, message, status=status, message=message, ended_at=Now(), next_look_at=None
        )
        if ended:
            close_steps(pk, status)
    return ended


def close_steps(pk: int, status: OperationStatus) -> None:
    """No step stays open when its operation has ended."""
    state = StepState.CANCELLED if status == OperationStatus.CANCELLED else StepState.FAILED
    OperationStep.objects.filter(operation_id=pk, ended_at=None).update(state=state, ended_at=Now())


def needs_a_worker(operation: Operation, *, has_cleanup: bool) -> bool:
    """Whether cancelling must take something back or stop a script, which only a worker can."""
    if operation.started_at is None:
        return False
    return has_cleanup or operation.steps.filter(ended_at=None, script__isnull=False).exists()
