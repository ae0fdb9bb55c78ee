"""Starting, claiming and reading operations in tests."""

import itertools
import re
from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.accounts.models import User
from apps.audit.actions import Action
from apps.audit.entries import Target
from apps.operations import claims, permissions, services
from apps.operations.ledger import Ledger
from apps.operations.models import Operation, OperationLine
from apps.operations.registry import Runner
from apps.operations.run import Run
from tests.processes import until

numbers = itertools.count(1)


def _begin(*, place: Target, runner: Runner, key: str = "", params: dict[str, Any]) -> Operation:
    return services.start(runner, target=place, key=key, **params)


# An action like any app's, but known to no registry, so that no list of actions shows it.
begin = Action(
    _begin, code="tests.begin", permission=permissions.CANCEL, target="place", label="Begin", atomic=True
)


def place(name: str = "") -> Target:
    return Target(
        kind="deployment", name=name or f"thing-{next(numbers)}", cluster="demo", namespace="default"
    )


def start(by: User, runner: Runner, *, on: Target | None = None, key: str = "", **params: Any) -> Operation:
    return begin(by=by, reason="for the test", place=on or place(), runner=runner, key=key, params=params)


def claimed(operation: Operation) -> Run:
    """A run of this process on the operation, as a worker has it."""
    claim = claims.claim(operation.pk)
    assert claim is not None
    row = Operation.objects.get(pk=operation.pk)
    return Run(row, Ledger(claim, last_seq=row.last_seq))


def expire(operation: Operation) -> None:
    """As if the worker had given no sign for a whole lease."""
    Operation.objects.filter(pk=operation.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def texts(operation: Operation, *streams: str) -> list[str]:
    lines = OperationLine.objects.filter(operation=operation).order_by("seq")
    return [line.text for line in lines if not streams or line.stream in streams]


def ended(operation: Operation, *, seconds: float = 40) -> Operation:
    """The operation once it has ended, however that was."""

    def look() -> bool:
        operation.refresh_from_db()
        return not operation.active

    until(look, seconds=seconds, what=f"{operation} to end")
    return operation


def in_state(operation: Operation, status: str, *, seconds: float = 30) -> Operation:
    def look() -> bool:
        operation.refresh_from_db()
        return operation.status == status

    until(look, seconds=seconds, what=f"{operation} to be {status}")
    return operation


def count_lines(operation: Operation, pattern: str) -> tuple[int, int, int]:
    """(different lines, doubled lines, gaps in the numbering) among those that match."""
    found = [text for text in texts(operation) if re.fullmatch(pattern, text)]
    seqs = list(
        OperationLine.objects.filter(operation=operation).order_by("seq").values_list("seq", flat=True)
    )
    return len(set(found)), len(found) - len(set(found)), len(set(range(1, len(seqs) + 1)) - set(seqs))
