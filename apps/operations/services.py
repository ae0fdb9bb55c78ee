"""Starting long work: the row first, the message after the commit."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from apps.audit import context
from apps.audit.actions import link_operation, running_permission
from apps.audit.entries import Target
from apps.audit.redaction import is_secret
from apps.live import publish, topics
from apps.operations import sending
from apps.operations.models import Operation
from apps.operations.registry import Runner
from apps.operations.statuses import ACTIVE


class HasTarget(Protocol):
    """What work is done on: anything with `audit_target()`, also a Target itself."""

    def audit_target(self) -> Target:
        """Kind, name and place, as in the audit."""


class Busy(Exception):
    """The target is being worked on already; `operation` is that work."""

    problem_status = 409

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.url = operation_url(operation.pk)
        super().__init__(
            _("%(who)s is already at work on %(name)s: %(title)s, %(state)s.")
            % {
                "who": operation.actor_name,
                "name": operation.target_name,
                "title": operation.title,
                "state": str(operation.state.label).lower(),
            }
        )


class KeyReused(Exception):
    """The same idempotency key came with other wishes."""

    problem_status = 422

    def __init__(self) -> None:
        super().__init__(_("This request key was already used for something else. Load the page again."))


def operation_url(pk: int) -> str:
    """The operation's page."""
    try:
        return reverse("operations:detail", args=[pk])
    except NoReverseMatch:
        return ""


def start(
    runner: Runner,
    *,
    target: HasTarget,
    key: str = "",
    retry_of: Operation | None = None,
    **params: Any,
) -> Operation:
    """Begin `runner` on `target` for whoever's action is running; call it inside an action.

    Returns the new row, already linked to the action's audit entry, or the earlier one started by the same
    person with the same `key`. Raises Busy where an exclusive operation on the target is active, KeyReused,
    TypeError for parameters the runner does not take, ValueError for parameters that are no plain JSON or
    look secret, ValidationError for text that the database cannot hold.
    """
    check_params(runner, params)
    place = target.audit_target()
    with transaction.atomic():
        operation = known(runner, place, key, params) or insert(runner, place, key, params, retry_of)
    link_operation(operation.pk)
    return operation


def check_params(runner: Runner, params: Mapping[str, Any]) -> None:
    """Raise unless the parameters fit the runner and may stand in a row that people read."""
    runner.check(dict(params))
    if "\\u0000" in json.dumps(params, allow_nan=False):
        raise ValidationError(_("Text may not hold NUL characters."))
    for name in names_in(params):
        if is_secret(name):
            raise ValueError(f"{runner.code}: {name!r} looks secret; pass the id of where it is kept")


def names_in(value: Any) -> list[str]:
    """Every key in nested JSON."""
    if isinstance(value, Mapping):
        return [str(key) for key in value] + [name for inner in value.values() for name in names_in(inner)]
    if isinstance(value, list | tuple):
        return [name for inner in value for name in names_in(inner)]
    return []


def known(runner: Runner, place: Target, key: str, params: Mapping[str, Any]) -> Operation | None:
    """What this person already started with this key."""
    if not key:
        return None
    found = Operation.objects.filter(actor_name=context.current().actor_name, key=key).first()
    if found and (found.runner, found.target, found.params) != (
        runner.code,
        place,
        json.loads(json.dumps(params)),
    ):
        raise KeyReused
    return found


def insert(
    runner: Runner, place: Target, key: str, params: Mapping[str, Any], retry_of: Operation | None
) -> Operation:
    """Write the row; two constraints decide between requests at the same moment."""
    now = context.current()
    permission = retry_of.permission if retry_of else running_permission()
    row = Operation(
        runner=runner.code,
        title=runner.title,
        queue=runner.queue,
        params=params,
        target_kind=place.kind,
        target_name=place.name,
        target_cluster=place.cluster,
        target_namespace=place.namespace,
        target_business=place.business,
        exclusive_key=exclusive_key(place) if runner.exclusive else "",
        actor_id=now.actor_id,
        actor_name=now.actor_name,
        permission=permission,
        reason=now.reason,
        request_id=now.request_id,
        key=key,
        retry_of=retry_of,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return other(runner, place, key, params, row.exclusive_key)
    sending.send_on_commit(row.pk, row.queue)
    publish.publish(topics.operation(row.pk), topics.operations())
    return row


def other(runner: Runner, place: Target, key: str, params: Mapping[str, Any], exclusive: str) -> Operation:
    """Who was faster: the same request (then its operation), or other work on the target (then Busy)."""
    if same := known(runner, place, key, params):
        return same
    busy = (
        Operation.objects.filter(exclusive_key=exclusive, status__in=ACTIVE).exclude(exclusive_key="").first()
    )
    if busy is None:
        raise KeyReused
    raise Busy(busy)


def exclusive_key(place: Target) -> str:
    """The target as one text."""
    return "/".join((place.cluster, place.namespace, place.kind, place.name))
