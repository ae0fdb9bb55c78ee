"""The JSON API of operations, mounted at `/api/operations`."""

from datetime import datetime
from typing import Annotated, Any

from ninja import Query, Router, Schema

from apps.accounts.requests import UserRequest
from apps.operations import actions, lines, selectors
from apps.operations.models import Operation

router = Router(tags=["operations"])
MOST_LINES = 5000


class StepOut(Schema):
    """One step. Times in UTC; `state` is running, waiting, done, failed or cancelled."""

    title: str
    state: str
    message: str
    started_at: datetime
    ended_at: datetime | None
    attempts: int


class OperationOut(Schema):
    """One operation.

    `status` is queued, running, waiting, succeeded, failed, cancelled or lost; `lastSeq` the number of its
    last line; `result` what it brought.
    """

    id: int
    title: str
    status: str
    active: bool
    message: str
    target: dict[str, str]
    actor: str
    reason: str
    retryOf: int | None
    createdAt: datetime
    startedAt: datetime | None
    endedAt: datetime | None
    cancelRequestedAt: datetime | None
    lastSeq: int
    result: dict[str, Any]
    steps: list[StepOut]


class LineOut(Schema):
    """One line; `stream` is log, out (a program's output or what a wait saw) or system."""

    seq: int
    at: datetime
    stream: str
    step: str
    text: str


class LinesOut(Schema):
    """Lines after a number. `next` is the number to ask with next; `finished`: no more will ever come."""

    lines: list[LineOut]
    next: int
    finished: bool


class CancelIn(Schema):
    """Why it is cancelled."""

    reason: str = ""


NO_REASON = CancelIn()


def out(operation: Operation) -> dict[str, Any]:
    """An operation as `OperationOut` has it."""
    place = operation.target
    return {
        "id": operation.pk,
        "title": operation.title,
        "status": operation.status,
        "active": operation.active,
        "message": operation.message,
        "target": {
            "kind": place.kind,
            "name": place.name,
            "cluster": place.cluster,
            "namespace": place.namespace,
        },
        "actor": operation.actor_name,
        "reason": operation.reason,
        "retryOf": operation.retry_of_id,
        "createdAt": operation.created_at,
        "startedAt": operation.started_at,
        "endedAt": operation.ended_at,
        "cancelRequestedAt": operation.cancel_requested_at,
        "lastSeq": operation.last_seq,
        "result": operation.result,
        "steps": list(operation.steps.all()),
    }


@router.get("/{int:pk}", response=OperationOut, summary="One operation")
def get_operation(request: UserRequest, pk: int) -> dict[str, Any]:
    """Where it stands, with its steps."""
    return out(selectors.operation(request.user, pk))


@router.get("/{int:pk}/lines", response=LinesOut, summary="Lines of its log")
def get_lines(
    request: UserRequest,
    pk: int,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_LINES)] = 500,
) -> dict[str, Any]:
    """Up to `limit` lines after the number `after`, in order."""
    operation = selectors.operation(request.user, pk)
    found = lines.after(pk, after, limit=limit)
    reached = found[-1].seq if found else after
    return {
        "lines": found,
        "next": reached,
        "finished": not operation.active and reached >= operation.last_seq,
    }


@router.post("/{int:pk}/cancel", response=OperationOut, summary="Cancel")
def post_cancel(request: UserRequest, pk: int, wish: CancelIn = NO_REASON) -> dict[str, Any]:
    """Ask it to stop; 409 when it has ended already."""
    operation = selectors.operation(request.user, pk)
    return out(actions.cancel(by=request.user, reason=wish.reason[:500], operation=operation))


@router.post("/{int:pk}/retry", response=OperationOut, summary="Retry")
def post_retry(request: UserRequest, pk: int) -> dict[str, Any]:
    """Begin the same work as a new operation; 409 while it is active."""
    operation = selectors.operation(request.user, pk)
    return out(actions.retry(by=request.user, operation=operation))
