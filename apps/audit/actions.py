"""`@action`: the only way to change something, where permission, transaction and audit meet.

    @action("pools.assign_pod", permission="pools.assign_pod", target="pod", label=_("Assign pod"))
    def assign_pod(*, pod: PodTarget, business: str) -> Intent: ...

assign_pod(by=request.user, reason="load test", pod=pod, business="testing")

Every call leaves exactly one AuditEntry: done, denied or failed. There is no flag to skip it. Actions do
not call actions (their parts are plain functions): one wish, one permission, one entry.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, Generic, Protocol, TypeVar

import structlog
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import Error, connection, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from apps.accounts import policy
from apps.accounts.models import User
from apps.audit import context, registry
from apps.audit.entries import NOTHING, Draft, Target, write
from apps.audit.models import Outcome

__all__ = [
    "Action",
    "HasAuditTarget",
    "NestedAction",
    "NotInAction",
    "SystemActor",
    "Target",
    "action",
    "link_operation",
    "note",
]

logger = structlog.get_logger(__name__)
Answer = TypeVar("Answer")


class HasAuditTarget(Protocol):
    """Anything that an action can be done to."""

    def audit_target(self) -> Target:
        """Itself, as the audit names it."""


@dataclass(frozen=True)
class SystemActor:
    """The portal itself, acting without a person: `by=SystemActor("reconciler")`. It needs no permission."""

    name: str


Actor = User | AnonymousUser | SystemActor


class NestedAction(RuntimeError):
    """An action was called inside an action. Call its inner function instead."""


class NotInAction(RuntimeError):
    """`note` or `link_operation` was called outside an action."""


_draft: ContextVar[Draft | None] = ContextVar("audit_draft", default=None)


def note(
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    target: Target | None = None,
) -> None:
    """Add to the running action's entry what was and what is now; values under secret-sounding keys are
    hidden.
    """
    draft = _running()
    draft.before.update(before or {})
    draft.after.update(after or {})
    if target is not None:
        draft.target = target


def link_operation(pk: object) -> None:
    """Link the running action's entry to the operation that it started."""
    _running().operation_id = str(pk)


def running_permission() -> str:
    """The permission that the running action asked for: whoever repeats its work later needs it too."""
    return _running().permission


def inside() -> bool:
    """Whether an action runs now."""
    return _draft.get() is not None


def _running() -> Draft:
    draft = _draft.get()
    if draft is None:
        raise NotInAction("This belongs inside an @action: it adds to the action's audit entry.")
    return draft


class Action(Generic[Answer]):
    """A guarded, audited, transactional function; what `@action` makes."""

    def __init__(
        self,
        inner: Callable[..., Answer],
        *,
        code: str,
        permission: str,
        target: str,
        label: str | Promise,
        atomic: bool,
    ) -> None:
        update_wrapper(self, inner)
        self.inner = inner
        self.code = code
        self.permission = permission
        self.target = target
        self.label = label
        self.atomic = atomic

    def __call__(self, *, by: Actor, reason: str = "", **arguments: Any) -> Answer:
        """Check, run, write the one entry.

        Raises what the function raises, and Refused where `by` may not.
        """
        draft = self._draft_of(by, arguments)
        with _acting(by, reason):
            token = _draft.set(draft)
            try:
                return self._run(by, draft, arguments)
            except Exception as error:
                if not draft.happened:
                    outcome = Outcome.DENIED if isinstance(error, PermissionDenied) else Outcome.FAILED
                    _write_surely(draft, outcome, message=words_of(error))
                raise
            finally:
                _draft.reset(token)

    def permit(self, *, by: User | AnonymousUser, **arguments: Any) -> None:
        """Refuse now what the action would refuse, before a view reads the rest of a form.

        Takes the target alone. Raises Refused and writes the one denied entry; a person who may leaves none.
        """
        draft = self._draft_of(by, arguments)
        with _acting(by, ""):
            try:
                self._require(by, draft.target)
            except PermissionDenied as error:
                _write_surely(draft, Outcome.DENIED, message=words_of(error))
                raise

    def _draft_of(self, by: Actor, arguments: dict[str, Any]) -> Draft:
        if inside():
            raise NestedAction(f"{self.code} was called inside another action; call its inner function.")
        if isinstance(by, AnonymousUser) or (isinstance(by, User) and by.pk is None):
            raise PermissionDenied(_("Log in first."))
        return Draft(code=self.code, target=self._target_of(arguments), permission=self.permission)

    def _run(self, by: Actor, draft: Draft, arguments: dict[str, Any]) -> Answer:
        with transaction.atomic(
            durable=True
        ):  # refuses to start inside somebody else's transaction, in both forms
            if not isinstance(by, SystemActor):
                self._require(by, draft.target)
            if self.atomic:
                answer = self.inner(**arguments)
                write(draft, Outcome.DONE)
                return answer
        answer = self.inner(**arguments)
        draft.happened = True
        _write_surely(draft, Outcome.DONE)
        return answer

    def _require(self, by: User | AnonymousUser, target: Target) -> None:
        policy.require(by, self.permission, cluster=target.cluster, business=target.business)

    def _target_of(self, arguments: dict[str, Any]) -> Target:
        thing: HasAuditTarget | None = arguments.get(self.target) if self.target else None
        return thing.audit_target() if thing is not None else NOTHING


def _acting(by: Actor, reason: str) -> AbstractContextManager[context.AuditContext]:
    return context.bound(
        actor_id=_id_of(by), actor_name=_name_of(by), reason=reason or context.current().reason
    )


def _id_of(by: Actor) -> int | None:
    return by.pk if isinstance(by, User) else None


def _name_of(by: Actor) -> str:
    return by.name if isinstance(by, SystemActor) else by.get_username()


def _write_surely(draft: Draft, outcome: Outcome, *, message: str = "") -> None:
    """Write the entry of what cannot be undone any more (a refusal, a call that the cluster has carried out).

    A connection that broke meanwhile is opened again. Where the database stays away the log keeps the entry.
    """
    for _attempt in range(2):
        try:
            with transaction.atomic():
                write(draft, outcome, message=message)
            return
        except Error:
            if not connection.in_atomic_block:
                connection.close()
    entry = {"code": draft.code, "target": draft.target.name, "actor": context.current().actor_name}
    logger.error("audit_entry_lost", **entry, outcome=str(outcome), message=message)


def words_of(error: Exception) -> str:
    """What went wrong, in words that may be shown: our own errors speak, others only say that they were
    unexpected.
    """
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    if isinstance(error, PermissionDenied) or hasattr(error, "problem_status"):
        return str(error)
    message = getattr(error, "message", None)
    return str(message) if message else _("Unexpected error: %(kind)s") % {"kind": type(error).__name__}


def action(
    code: str, *, permission: str, target: str = "", label: str | Promise, atomic: bool = True
) -> Callable[[Callable[..., Answer]], Action[Answer]]:
    """Make a keyword-only function an action.

    `target` names the argument whose `audit_target()` says what it is done to (and on which cluster and
    business the permission is asked). atomic=True runs the function and its entry in one durable
    transaction. atomic=False is for the intent form: the function makes short transactions of its own
    around its calls to the cluster.
    """

    def make(inner: Callable[..., Answer]) -> Action[Answer]:
        made = Action(inner, code=code, permission=permission, target=target, label=label, atomic=atomic)
        registry.add(registry.Entry(code=code, label=label, permission=permission, action=made))
        return made

    return make
