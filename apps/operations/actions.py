"""Cancelling and retrying, as audited actions.

Who began an operation may cancel it; other people's operations are for admins. A retry needs the permission
that the first start needed.
"""

from django.core.exceptions import PermissionDenied
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts import policy
from apps.accounts.models import User
from apps.audit import context
from apps.audit.actions import action, link_operation, note
from apps.live import publish, topics
from apps.operations import permissions, registry, sending, services
from apps.operations.models import Operation
from apps.operations.statuses import ACTIVE, OperationStatus
from apps.operations.takeover import end_from_outside, needs_a_worker


class NotNow(Exception):
    """The operation is not in a state in which this can be done."""

    problem_status = 409


@action(
    "operations.cancel",
    permission=permissions.CANCEL,
    target="operation",
    label=gettext_lazy("Cancel operation"),
)
def cancel(*, operation: Operation) -> Operation:
    """Ask the operation to stop; what no worker holds ends at once. Raises NotNow when it has ended."""
    row = Operation.objects.select_for_update().get(pk=operation.pk)
    require_for_others(row, permissions.CANCEL_OTHERS)
    if not row.active:
        raise NotNow(_("It has already ended: %s.") % str(row.state.label).lower())
    name = context.current().actor_name
    note(before={"status": row.status}, after={"wish": "cancel"})
    link_operation(row.pk)
    Operation.objects.filter(pk=row.pk).update(cancel_requested_at=Now(), cancelled_by=name)
    stop(row, name)
    row.refresh_from_db()
    return row


def stop(row: Operation, name: str) -> None:
    """End at once what no worker holds; wake a worker where something must be taken back."""
    idle = Operation.objects.exclude(status=OperationStatus.RUNNING).filter(status__in=ACTIVE)
    runner = registry.get(row.runner)
    if row.status == OperationStatus.RUNNING:
        publish.publish(topics.operation(row.pk))
    elif needs_a_worker(row, has_cleanup=bool(runner and runner.cleanup)):
        idle.filter(pk=row.pk, status=OperationStatus.WAITING).update(next_look_at=Now())
        sending.send_on_commit(row.pk, row.queue)
        publish.publish(topics.operation(row.pk))
    else:
        end_from_outside(idle, row.pk, OperationStatus.CANCELLED, _("Cancelled by %s.") % name)


@action(
    "operations.retry",
    permission=permissions.RETRY,
    target="operation",
    label=gettext_lazy("Retry operation"),
)
def retry(*, operation: Operation, key: str = "") -> Operation:
    """Start the same work again as a new operation.

    Raises NotNow while it is active or when nothing knows how, Busy, and PermissionDenied.
    """
    runner = registry.get(operation.runner)
    operation.refresh_from_db()
    if operation.permission:
        require(operation.permission, operation)
    if operation.active or runner is None:
        raise NotNow(
            _("It is still active.") if runner else _("This version of the portal does not know this work.")
        )
    if operation.status == OperationStatus.SUCCEEDED:
        raise NotNow(_("It has succeeded; there is nothing to retry."))
    return services.start(runner, target=operation.target, key=key, retry_of=operation, **operation.params)


def require_for_others(row: Operation, permission: str) -> None:
    """Ask for `permission` unless whoever acts has begun the operation."""
    if row.actor_id is None or row.actor_id != context.current().actor_id:
        require(permission, row)


def require(permission: str, row: Operation) -> None:
    """Raise PermissionDenied unless the person who acts has `permission` where the operation works."""
    person = User.objects.filter(pk=context.current().actor_id).first()
    if person is None:
        raise PermissionDenied
    policy.require(person, permission, cluster=row.target_cluster, business=row.target_business)
