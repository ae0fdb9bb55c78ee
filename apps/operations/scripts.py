"""Scripts as steps: started once, followed by whichever worker holds the operation, each line kept once.

A script starts behind a gate: it waits until its handle is in the database. So no worker's death leaves a
script that nobody knows, and none is started twice. Its output is a file; how far it was read is saved in
the same transaction as the lines.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import Error
from django.utils.translation import gettext as _

from apps.gateways import process
from apps.operations import lines
from apps.operations.control import Cancelled, Fenced, OperationFailed
from apps.operations.ledger import Ledger
from apps.operations.lines import Line
from apps.operations.models import OperationLine, OperationStep
from apps.operations.statuses import StepState

POLL = 0.2
SIGN = 1.0  # seconds of silence after which a cancel is looked for
GATE_SECONDS = 120
GATE_CLOSED = 97

# Whoever makes the link first decides: the worker opens the gate, or the gate gives up on a dead worker.
GATE = f"""n=0
until [ -L "$1" ]; do
  n=$((n + 1)); [ $n -gt {GATE_SECONDS * 10} ] && ln -s closed "$1"; sleep 0.1
done
[ "$(readlink "$1")" = open ] || exit {GATE_CLOSED}
shift
exec "$@"
"""


def follow(
    ledger: Ledger,
    step: OperationStep,
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None,
    cwd: Path | None,
) -> int:
    """Start the step's script, or take it up again, and keep its lines until it ends; gives its exit code.

    Raises Cancelled after stopping it. A lost database or a lost claim leaves it running for the next worker.
    """
    script = _taken_up(step) or _started(ledger, step, argv, env, cwd)
    try:
        for batch in script.follow(step.script_offset, poll=POLL):
            _keep(ledger, step, batch)
    except (Fenced, Error):
        raise
    except (Exception, Cancelled):
        stop(ledger, step)
        raise
    code = script.exit_code
    if code is None:
        raise OperationFailed(_("%s was killed from outside.") % step.title)
    return code


def forget(step: OperationStep) -> None:
    """Delete the files of an ended script."""
    for script in _scripts(step):
        (Path(script.handle.folder) / "gate").unlink(missing_ok=True)
        script.forget()


def stop_left(ledger: Ledger, steps: Iterator[OperationStep]) -> None:
    """Stop scripts that an earlier worker left running; for cancelled operations."""
    for step in steps:
        if step.script and step.state == StepState.RUNNING:
            stop(ledger, step)


def stop(ledger: Ledger, step: OperationStep) -> None:
    """Stop the script with all its processes, and keep what it still said."""
    for script in _scripts(step):
        script.stop()
        for batch in script.follow(step.script_offset):
            _save(ledger, step, batch)


def _scripts(step: OperationStep) -> Iterator[process.Script]:
    """The step's script, where it can be reached from here."""
    if step.script:
        try:
            yield process.attach(process.Handle.from_dict(step.script))
        except process.Elsewhere:
            return


def _taken_up(step: OperationStep) -> process.Script | None:
    """The script that an earlier worker started; None when there is none, or its gate has closed unopened."""
    if not step.script:
        return None
    try:
        script = process.attach(process.Handle.from_dict(step.script))
    except process.Elsewhere as error:
        raise OperationFailed(_("%s Retry to run it again.") % error) from error
    return script if _open(Path(step.script["folder"])) else None


def _started(
    ledger: Ledger,
    step: OperationStep,
    argv: Sequence[str],
    env: Mapping[str, str] | None,
    cwd: Path | None,
) -> process.Script:
    folder = Path(settings.PORTAL_DATA_DIR) / "scripts" / f"{step.operation_id}-{step.pk}-{time.time_ns()}"
    gate = ["/bin/sh", "-c", GATE, "gate", str(folder / "gate"), *argv]
    script = process.start(gate, folder=folder, environment=env, directory=cwd)
    step.script, step.script_offset = script.handle.as_dict(), 0
    try:
        ledger.save(step.save)
    except BaseException:
        script.stop(grace=0)
        raise
    _open(folder)
    return script


def _open(folder: Path) -> bool:
    """Open the gate; False when it has given up before."""
    gate = folder / "gate"
    try:
        gate.symlink_to("open")
    except FileExistsError:
        return str(gate.readlink()) == "open"
    except FileNotFoundError:
        return False
    return True


def _keep(ledger: Ledger, step: OperationStep, batch: process.Batch) -> None:
    """Save a batch; in silence give a sign now and then. Raises Cancelled when somebody asked."""
    if batch.lines or ledger.silence > SIGN:
        _save(ledger, step, batch)
    if ledger.cancel_wanted:
        raise Cancelled


def _save(ledger: Ledger, step: OperationStep, batch: process.Batch) -> None:
    """The lines and the place after them, in one transaction."""
    said = [_line(step, raw) for raw in batch.lines]
    moved = partial(OperationStep.objects.filter(pk=step.pk).update, script_offset=batch.offset)
    ledger.save(moved, said=said)
    step.script_offset = batch.offset


def _line(step: OperationStep, raw: bytes) -> Line:
    text = raw.decode("utf-8", "replace").rstrip("\r")
    return Line(lines.clean(text), step.title, OperationLine.Stream.OUT)
