"""On whose behalf the running code acts: bound by the middleware, by operations and by actions."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class AuditContext:
    """The circumstances of what runs now; empty outside requests, commands and operations.

    `via` is page, api, command, operation or system; `operation_id` is the operation inside which the code
    runs.
    """

    request_id: str = ""
    ip: str | None = None
    via: str = "system"
    actor_id: int | None = None
    actor_name: str = ""
    reason: str = ""
    operation_id: str = ""


NOBODY = AuditContext()
_context: ContextVar[AuditContext] = ContextVar("audit_context", default=NOBODY)


def current() -> AuditContext:
    """The circumstances now. Inside an action: its actor and reason too."""
    return _context.get()


@contextmanager
def bound(**changes: object) -> Iterator[AuditContext]:
    """Run with some circumstances replaced."""
    context = replace(_context.get(), **changes)  # type: ignore[arg-type]  # names are checked by replace() at run time
    token = _context.set(context)
    try:
        yield context
    finally:
        _context.reset(token)


@contextmanager
def acting_as(
    *,
    actor_id: int | None,
    actor_name: str,
    request_id: str = "",
    operation_id: object = "",
    reason: str = "",
    ip: str | None = None,
    via: str = "operation",
) -> Iterator[AuditContext]:
    """Run for somebody whose request is long answered: operations re-enter the requester's circumstances with
    this.
    """
    token = _context.set(
        AuditContext(
            request_id=request_id,
            ip=ip,
            via=via,
            actor_id=actor_id,
            actor_name=actor_name,
            reason=reason,
            operation_id=str(operation_id or ""),
        )
    )
    try:
        yield _context.get()
    finally:
        _context.reset(token)
