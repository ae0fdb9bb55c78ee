"""Reading operations: what a person sees, filtered and paged in SQL."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import OrderBy
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from apps.accounts import policy
from apps.accounts.access import Access, from_key
from apps.accounts.models import User
from apps.operations import permissions
from apps.operations.models import AT_WORK, TOOK, Operation, OperationStep
from apps.operations.statuses import ACTIVE, OperationStatus

TAIL = 500  # lines that a page shows of a longer log
SORTS: dict[str, Any] = {
    "number": F("pk"),
    "title": F("title"),
    "state": F("status"),
    "target": F("target_name"),
    "person": F("actor_name"),
    "begun": F("created_at"),
    "took": TOOK,
}
"""What the list may be sorted by; each has its index, so that a long history is as quick as a short one."""


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


@dataclass(frozen=True)
class Filter:
    """`state` is a status or "active", `work` a runner's code, `person` and `cluster` whole names, `target`
    part of a name; `since` and `until` bound when it was begun. Empty is any.
    """

    state: str = ""
    work: str = ""
    person: str = ""
    target: str = ""
    cluster: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def narrow(self, rows: QuerySet[Operation]) -> QuerySet[Operation]:
        """The rows that fit."""
        wanted: dict[str, Any] = {
            "runner": self.work,
            "actor_name": self.person,
            "target_name__contains": self.target,
            "target_cluster": self.cluster,
            "created_at__gte": self.since,
            "created_at__lt": self.until,
            "status__in": ACTIVE if self.state == "active" else [self.state] if self.state else None,
        }
        return rows.filter(**{name: value for name, value in wanted.items() if value})


def listed(role_key: str, wanted: Filter, *, sort: str = "") -> QuerySet[Operation]:
    """The operations that fit, what is at work first, then newest; or sorted by one of SORTS.

    "-" before a sort is the very reverse of it, which lets the same index answer both; what has not ended
    counts as what took longest.
    """
    rows = wanted.narrow(within(from_key(role_key)))
    name, down = sort.removeprefix("-"), sort.startswith("-")
    if name not in SORTS:
        return rows.order_by(AT_WORK, "-pk")
    return rows.order_by(OrderBy(SORTS[name], descending=down), "-pk" if down else "pk")


def rows_of(found: QuerySet[Operation]) -> list[Row]:
    """The operations as rows, each with the title of its last step."""
    steps = OperationStep.objects.filter(operation=OuterRef("pk")).order_by("-pk").values("title")[:1]
    return [row_of(row) for row in found.annotate(step=Subquery(steps))]


@dataclass(frozen=True)
class Chip:
    """One state to choose: its value in the URL, its words, colour and how many there are."""

    value: str
    label: str
    colour: str
    count: int


def chips(role_key: str, wanted: Filter) -> list[Chip]:
    """How many operations that fit the rest of the filter are in each state, read in one query."""
    others = replace(wanted, state="").narrow(within(from_key(role_key)))
    counts = dict(others.order_by().values_list("status").annotate(Count("pk")))
    active = sum(counts.get(status, 0) for status in ACTIVE)
    each = [
        Chip(status, str(status.label), status.colour, counts.get(status, 0)) for status in OperationStatus
    ]
    every = Chip("", _("All"), "secondary", sum(counts.values()))
    return [every, Chip("active", _("Active"), "blue", active), *each]


def related(user: User, operation: Operation, most: int = 5) -> QuerySet[Operation]:
    """The latest other operations on the same target that the person may see."""
    place = {name: getattr(operation, name) for name in ("target_cluster", "target_kind", "target_name")}
    same = operations(user).filter(**place, target_namespace=operation.target_namespace)
    return same.exclude(pk=operation.pk).order_by("-pk")[:most]


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
