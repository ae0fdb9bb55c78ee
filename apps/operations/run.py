"""What a runner holds in its hand: steps that are kept, waits that cost nothing, log lines, and the way to
stop.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.gateways.errors import GatewayError
from apps.operations import lines, scripts, stopping
from apps.operations.control import Cancelled, DeadlinePassed, Fenced, GivenBack, OperationFailed
from apps.operations.ledger import Ledger
from apps.operations.models import Operation, OperationStep
from apps.operations.replay import Replay
from apps.operations.steps import Steps


@dataclass(frozen=True)
class Seen:
    """What one look of a `wait` saw: whether it is over, words for people ("2 of 4 pods ready"), a JSON value
    to keep.
    """

    done: bool
    text: str = ""
    value: Any = None


def as_json(value: object) -> Any:
    """`value` as it will be read back; raises TypeError or ValueError for what JSON cannot hold."""
    return json.loads(json.dumps(value, allow_nan=False))


Look = Callable[[], "Seen | bool"]


class Run:
    """One stretch of an operation in this process.

    Any method may raise Cancelled (somebody asked), Fenced (another worker continues) or GivenBack (a wait
    begins); runners let these pass. Code outside of steps runs again when the run continues, so it must be
    safe to repeat.
    """

    def __init__(self, operation: Operation, ledger: Ledger, *, resumable: bool = False) -> None:
        self.operation = operation
        self.ledger = ledger
        self.steps = Steps(operation, ledger)
        self.results: dict[str, Any] = {}
        self._resumable = resumable
        self._shielded = False
        self._looking = False
        self._said_until = operation.last_seq
        self._replays: dict[str, Replay] = {}

    @property
    def pk(self) -> int:
        """The operation's number, for names and annotations of what is made."""
        return self.operation.pk

    def once(self, title: str, work: Callable[[], object]) -> Any:
        """Do `work`, keep its result and return it as JSON has it; a step that is done gives the kept one.

        A worker may die after the work and before its result is kept: then it is done again, so it must
        bear repeating.
        """
        step = self._enter(title)
        if step.done:
            return step.result
        with self.steps.inside(step):
            result = as_json(work())
        self.steps.finish(step, result)
        return result

    def wait(self, title: str, look: Look, *, every: float = 2, deadline: float = 900) -> Any:
        """Look until it is true, giving the process back between looks; returns the kept value of the last
        look.

        `every` and `deadline` in seconds, the deadline counting from the first look. A look that fails with
        a retryable GatewayError has seen nothing and is repeated. Raises DeadlinePassed with the words of
        the last look.
        """
        step = self._enter(title, deadline=deadline)
        if step.done:
            return step.result
        with self.steps.inside(step):
            seen = self._look(look)
        if seen.done:
            self.steps.finish(step, value := as_json(seen.value), seen.text)
            return value
        if step.deadline_at is not None and timezone.now() >= step.deadline_at:
            self._give_up(step, seen.text or step.message, deadline)
        self.steps.pause(step, seen.text, every)
        raise GivenBack(every)

    def script(
        self,
        title: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Run a program (argument list, no shell) whose output becomes lines; for the long queue.

        It outlives this worker: the next one on this host goes on reading where this one stopped. `env` is
        its whole environment (default: path, home, language). Raises OperationFailed for a code other than
        0.
        """
        step = self._enter(title)
        if step.done:
            return
        with self.steps.inside(step):
            code = scripts.follow(self.ledger, step, argv, env=env, cwd=cwd)
            if code != 0:
                raise OperationFailed(_("%(step)s ended with code %(code)d.") % {"step": title, "code": code})
        self.steps.finish(step, code)
        scripts.forget(step)

    def log(self, text: str) -> None:
        """Write `text` to the operation's log; it is in the database 0.3 s later, or with a full batch."""
        new = lines.split(str(text), step=self.steps.current)
        self.ledger.add(new if self._looking else [line for line in new if not self._said(line.text)])
        self._obey()

    def checkpoint(self) -> None:
        """Say that the work goes on, and stop here if somebody asked to cancel; for loops."""
        self.ledger.save()
        self._obey()

    def result(self, **values: Any) -> None:
        """Keep JSON values as what the operation brought; saved with its end."""
        self.results.update(as_json(values))

    def shield(self) -> None:
        """From here on cancelling is no longer obeyed: the run takes back what it did, or can no longer be
        stopped.
        """
        self._shielded = True

    def _enter(self, title: str, *, deadline: float | None = None) -> OperationStep:
        self._obey()
        until = timezone.now() + timedelta(seconds=deadline) if deadline else None
        return self.steps.enter(title, deadline_at=until)

    def _look(self, look: Look) -> Seen:
        self._looking = True  # each look speaks anew
        try:
            seen = look()
        except GatewayError as error:
            if not error.retryable:
                raise
            return Seen(done=False, text=error.message)
        finally:
            self._looking = False
        return seen if isinstance(seen, Seen) else Seen(done=bool(seen))

    def _give_up(self, step: OperationStep, seen: str, deadline: float) -> None:
        message = _("%(step)s: not within %(seconds)d s.") % {"step": step.title, "seconds": deadline}
        message = f"{message} {seen}".strip()
        self.steps.fail(step, message)
        raise DeadlinePassed(message)

    def _said(self, text: str) -> bool:
        """Whether an earlier stretch wrote this line already (see replay.py)."""
        step = self.steps.current
        if step not in self._replays:
            self._replays[step] = Replay(self.pk, step, until=self._said_until)
        return self._replays[step].repeats(text)

    def _obey(self) -> None:
        if self.ledger.fenced:
            raise Fenced
        if self.ledger.cancel_wanted and not self._shielded:
            raise Cancelled
        if stopping.asked() and self._resumable and not (self._shielded or self.steps.current):
            self.steps.give_back(_("Given back: its worker was asked to stop."))
            raise GivenBack(0)
