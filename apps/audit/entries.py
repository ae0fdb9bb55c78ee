"""Writing entries, and telling who wants to know."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from django.db import transaction

from apps.audit import context
from apps.audit.models import AuditEntry, Outcome
from apps.audit.redaction import clean, redact

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Target:
    """What an action is done to. `kind` is a word of ours: pod, deployment, cluster, operation, person."""

    kind: str
    name: str
    cluster: str = ""
    namespace: str = ""
    business: str = ""

    def audit_target(self) -> "Target":
        """Itself, so that a plain Target may be given where an object is expected."""
        return self


NOTHING = Target(kind="", name="")


@dataclass
class Draft:
    """An entry in the making; `happened`: nothing that goes wrong from now on can undo it.

    `actor_*` and the circumstances come from the context at the time of writing.
    """

    code: str
    target: Target = NOTHING
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    operation_id: str = ""
    permission: str = ""
    happened: bool = False


def write(draft: Draft, outcome: Outcome, *, message: str = "") -> AuditEntry:
    """Insert one entry in the running transaction; listeners hear of it after the commit."""
    now = context.current()
    entry = AuditEntry(
        actor_id=now.actor_id,
        actor_name=clean(now.actor_name, 150),
        code=draft.code,
        outcome=outcome,
        target_kind=clean(draft.target.kind, 40),
        target_name=clean(draft.target.name, 253),
        cluster=clean(draft.target.cluster, 63),
        namespace=clean(draft.target.namespace, 63),
        business=clean(draft.target.business, 63),
        before=redact(draft.before),
        after=redact(draft.after),
        reason=clean(now.reason),
        message=clean(message),
        request_id=clean(now.request_id, 64),
        ip=now.ip,
        via=now.via,
        operation_id=clean(draft.operation_id or now.operation_id, 40),
    )
    entry.save()
    transaction.on_commit(partial(_tell, entry), robust=True)
    return entry


_listeners: list[Callable[[AuditEntry], None]] = []


def on_entry(callback: Callable[[AuditEntry], None]) -> None:
    """Have `callback(entry)` called after the commit of each new entry. What it raises is logged, no more."""
    if callback not in _listeners:
        _listeners.append(callback)


def _tell(entry: AuditEntry) -> None:
    for callback in _listeners:
        try:
            callback(entry)
        except Exception:
            logger.exception("audit_listener_failed", entry=entry.pk)
