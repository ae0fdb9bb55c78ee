"""The steps of one run: found again by title, written through the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db.models.functions import Now
from django.utils import timezone

from apps.live import publish, topics
from apps.operations import lines
from apps.operations.ledger import Ledger
from apps.operations.models import Operation, OperationLine, OperationStep
from apps.operations.statuses import OperationStatus, StepState


class Steps:
    """The steps that exist, and which of them this run is in."""

    def __init__(self, operation: Operation, ledger: Ledger) -> None:
        self.current = ""
        self._operation = operation
        self._ledger = ledger
        self._known = {step.title: step for step in operation.steps.all()}
        self._entered: set[str] = set()

    def enter(self, title: str, *, deadline_at: datetime | None = None) -> OperationStep:
        """The step of that title, begun now or continued. ValueError for two steps of one title in a run."""
        if title in self._entered or self.current:
            raise ValueError(f"step {title!r} is entered twice, or inside of {self.current!r}")
        self._entered.add(title)
        step = self._known.get(title)
        if step is None:
            step = OperationStep(operation=self._operation, title=title, deadline_at=deadline_at)
            self.write(step)
        elif step.state in (StepState.RUNNING, StepState.FAILED):
            step.state, step.ended_at, step.attempts = StepState.RUNNING, None, step.attempts + 1
            self.write(step)
        return step

    @contextmanager
    def inside(self, step: OperationStep) -> Iterator[None]:
        """Lines belong to `step` within; an exception ends the step as failed."""
        self.current = step.title
        try:
            yield
        except Exception:
            self.fail(step)
            raise
        finally:
            self.current = ""

    def finish(self, step: OperationStep, result: Any, message: str = "") -> None:
        """Keep the result: from here on the step is never done again. Deaths before it are forgiven."""
        step.result = result
        self._end(step, StepState.DONE, message or step.message, deaths=0)

    def fail(self, step: OperationStep, message: str = "") -> None:
        """End the step as failed."""
        self._end(step, StepState.FAILED, message or step.message)

    def pause(self, step: OperationStep, seen: str, every: float) -> None:
        """Keep what a look saw, as a line where it is news, and give the process back for `every` seconds.

        A look that came to its end forgives earlier deaths, as a finished step does.
        """
        news = step.state != StepState.WAITING or seen not in ("", step.message)
        if seen and seen != step.message:
            step.message = lines.clean(seen)
            self._ledger.add(lines.split(seen, step=step.title, stream=OperationLine.Stream.OUT))
        step.state = StepState.WAITING
        self._ledger.save(
            step.save,
            status=OperationStatus.WAITING,
            next_look_at=Now() + timedelta(seconds=every),
            lease_until=None,
            worker="",
            deaths=0,
        )
        if news:
            publish.publish(topics.operation(self._operation.pk), topics.operations())

    def give_back(self, words: str) -> None:
        """Queue the operation again and say why; whoever takes it up goes on at its next step."""
        self._ledger.add(lines.split(words, stream=OperationLine.Stream.SYSTEM))
        self._ledger.save(
            status=OperationStatus.QUEUED, lease_until=None, worker="", sent_at=None, next_look_at=None
        )
        publish.publish(topics.operation(self._operation.pk), topics.operations())

    def write(self, step: OperationStep, **changes: Any) -> None:
        """Save the step, all pending lines and changes of the operation's row together."""
        self._ledger.save(step.save, **changes)
        self._known[step.title] = step
        publish.publish(topics.operation(self._operation.pk))

    def _end(self, step: OperationStep, state: StepState, message: str, **changes: Any) -> None:
        step.state = state
        step.message = lines.clean(message)
        step.ended_at = max(timezone.now(), step.started_at)
        self.write(step, **changes)
