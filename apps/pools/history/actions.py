"""Taking changes of the history back."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _lazy

from apps.audit.actions import action, note
from apps.audit.entries import Target
from apps.clusters.connections import connect
from apps.operations import services
from apps.operations.models import Operation
from apps.operations.periodic import periodic
from apps.pools.actions import DRAIN_SECONDS
from apps.pools.distribution import runner
from apps.pools.distribution.actions import answered, check_timeout
from apps.pools.distribution.batch import plain
from apps.pools.handover.records import record_of
from apps.pools.history import nodes
from apps.pools.history.undo import UndoPlan, plan_undo
from apps.pools.permissions import ASSIGN
from apps.pools.refusals import NeedsForce
from apps.pools.shares import batches
from apps.pools.shares.asking import NO_ANSWER, Answer
from apps.pools.targets import PoolTarget

periodic("pools.nodes of the history", every=30)(nodes.sweep)


@action("pools.undo_changes", permission=ASSIGN, target="pool", label=_lazy("Undo changes"), atomic=False)
def undo_changes(
    *,
    pool: PoolTarget,
    change: str,
    force: bool = False,
    drain: bool = True,
    timeout: int = DRAIN_SECONDS,
    share: Answer = NO_ANSWER,
) -> Operation:
    """Give the pods of a batch, an operation or a single change back to whom they belonged before.

    Raises UnknownChange, CannotUndo, NeedsForce with what has moved since, NeedsShare, Busy, GatewayError.
    """
    check_timeout(timeout)
    note(before={"change": change[:64]})
    plan = preview(pool, change)
    if (plan.blocked or plan.questions) and not force:
        raise NeedsForce(" ".join([*plan.blocked, *plan.questions]))
    batches.check_answer(plan.strays, share)
    note(after={"pods": [move.pod for move in plan.moves]})
    with transaction.atomic():
        return services.start(
            runner.undo_changes,
            target=Target(kind="deployment", name=pool.name, cluster=pool.cluster, namespace=pool.namespace),
            pool_id=record_of(pool.cluster_id, pool.namespace, pool.name).pk,
            moves=plain(plan.moves),
            floors={},
            drain=drain,
            timeout=timeout,
            force=force,
            share=answered(plan.strays, share),
        )


def preview(pool: PoolTarget, change: str) -> UndoPlan:
    """What it would do, asked of the cluster. Raises as the action."""
    record = record_of(pool.cluster_id, pool.namespace, pool.name)
    return plan_undo(connect(pool.cluster_id).kubernetes, record, change)
