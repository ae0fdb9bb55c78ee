"""Reading operations: what a person sees, filtered and paged in SQL."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.shortcuts import get_object_or_404

from apps.accounts import policy
from apps.accounts.access import Access, from_key
from apps.accounts.models import User
from apps.operations import permissions
from apps.operations.models import Operation, OperationStep
from apps.operations.statuses import ACTIVE, OperationStatus

PAGE = 50
LAST_PAGE = 40  # deeper pages cost more than they tell: the filter finds faster
TAIL = 500  # lines that a page shows of a longer log


@dataclass(frozen=True)
class Row:
    """One operation in a list; two equal rows look the same."""

    pk: int
    title: str
    state: OperationStatus
    ending: bool
    target_kind: str
    target_name: str
    target_cluster: str
    actor_name: str
    reason: str
    created_at: Any
    took: timedelta | None
    step: str
    message: str


def operations(user: User) -> QuerySet[Operation]:
    """The operations that the person may see: those of visible clusters, and those of none."""
    return within(policy.access_of(user))


def within(access: Access) -> QuerySet[Operation]:
    """The operations that somebody with this access may see."""
    if not access.may(permissions.VIEW):
        return Operation.objects.none()
    clusters = access.clusters()
    if clusters.every:  # its q() is empty, and an empty Q vanishes in an OR
        return Operation.objects.all()
    return Operation.objects.filter(clusters.q("target_cluster") | Q(target_cluster=""))


def operation(user: User, pk: int) -> Operation:
    """One operation; Http404 when the person may not see it."""
    return get_object_or_404(operations(user), pk=pk)


def matching(rows: QuerySet[Operation], *, state: str, person: str, target: str) -> QuerySet[Operation]:
    """`state` is a status or "active", `person` a whole name, `target` part of a name; "" is any."""
    if state == "active":
        rows = rows.filter(status__in=ACTIVE)
    elif state:
        rows = rows.filter(status=state)
    if person:
        rows = rows.filter(actor_name=person)
    return rows.filter(target_name__contains=target) if target else rows


def page(role_key: str, *, state: str, person: str, target: str, number: int) -> tuple[list[Row], bool]:
    """The rows of page `number` (from 1), newest first, and whether there are more."""
    found = matching(within(from_key(role_key)), state=state, person=person, target=target)
    start = (number - 1) * PAGE
    steps = OperationStep.objects.filter(operation=OuterRef("pk")).order_by("-pk").values("title")[:1]
    rows = list(found.order_by("-pk").annotate(step=Subquery(steps))[start : start + PAGE + 1])
    return [row_of(row) for row in rows[:PAGE]], len(rows) > PAGE and number < LAST_PAGE


def row_of(operation: Any) -> Row:
    """An operation (with its last step's title as `step`) as a row."""
    return Row(
        pk=operation.pk,
        title=operation.title,
        state=operation.state,
        ending=operation.ending,
        target_kind=operation.target_kind,
        target_name=operation.target_name,
        target_cluster=operation.target_cluster,
        actor_name=operation.actor_name,
        reason=operation.reason,
        created_at=operation.created_at,
        took=took(operation),
        step=(operation.step or "") if operation.active else "",
        message=operation.message[:200],
    )


def took(operation: Operation) -> timedelta | None:
    """From the request to the end, in whole seconds; None while it is active."""
    if operation.ended_at is None:
        return None
    return timedelta(seconds=max(0, round((operation.ended_at - operation.created_at).total_seconds())))


def active_count(user: User) -> int:
    """How many operations that the person sees are active now."""
    return operations(user).filter(status__in=ACTIVE).count()


def first_cursor(operation: Operation, wanted: str) -> int:
    """Where a page of the log begins: behind the line number `wanted`, else so that the last lines show."""
    if wanted.isdecimal():
        return min(int(wanted), operation.last_seq)
    return max(0, operation.last_seq - TAIL)
