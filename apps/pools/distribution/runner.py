"""The operations that move many pods: a distribution, and the undoing of earlier changes."""

from typing import Any

from django.utils.translation import gettext as _

from apps.gateways.errors import GatewayError
from apps.operations.control import OperationFailed
from apps.operations.periodic import periodic
from apps.operations.registry import runner
from apps.operations.run import Run
from apps.pools.distribution import undoing
from apps.pools.distribution.batch import Batch
from apps.pools.refusals import PoolProblem

UNDO_SECONDS = 20.0
Moves = list[dict[str, Any]]
Share = dict[str, Any]

periodic("pools.unfinished distributions", every=10)(undoing.sweep)


@runner("Distribute pods")
def distribute(
    run: Run,
    *,
    pool_id: int,
    moves: Moves,
    floors: dict[str, int],
    drain: bool,
    timeout: int,
    force: bool,
    share: Share | None = None,
) -> None:
    """Make the planned moves; when one fails, all are taken back."""
    work(run)


@distribute.on_cancel
def cancel_distribute(run: Run, **_moves: Any) -> None:
    """What has moved goes back."""
    take_back(run)


@runner("Undo changes")
def undo_changes(
    run: Run,
    *,
    pool_id: int,
    moves: Moves,
    floors: dict[str, int],
    drain: bool,
    timeout: int,
    force: bool,
    share: Share | None = None,
) -> None:
    """Give the pods back to whom they belonged before; when one move fails, all are taken back."""
    work(run)


@undo_changes.on_cancel
def cancel_undo(run: Run, **_moves: Any) -> None:
    """What has moved goes back."""
    take_back(run)


def work(run: Run) -> None:
    """The moves of either."""
    try:
        if undoing.begun(str(run.pk)):
            raise OperationFailed(_("It was being taken back when its worker ended."))
        batch = Batch.of(run, run.operation.params)
        batch.carry_out()
    except (PoolProblem, GatewayError, OperationFailed) as error:
        raise OperationFailed(f"{error} {take_back(run)}".strip()) from error
    run.result(batch=batch.name, moved=len(batch.moves))


def take_back(run: Run) -> str:
    """Everything that this run has moved goes back; returns what came of that, in words."""
    run.shield()
    batch = Batch.of(run, run.operation.params)
    words = undoing.take_back(batch.kubernetes, batch.record, str(run.pk), seconds=UNDO_SECONDS)
    run.log(words)
    return words
