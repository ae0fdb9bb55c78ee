"""How a run ends early: control flow for runners, and the one exception that runners raise themselves.

Those that steer the run derive from BaseException, so that a runner's `except Exception` cannot swallow them.
Because leaving a `wait` is one of them, `finally` in a runner means "leaving this process", not "ended":
work that must be taken back on cancelling belongs in `@<runner>.on_cancel`.
"""


class OperationFailed(Exception):
    """Raised by a runner: the operation ends as failed, with these words for people."""


class DeadlinePassed(OperationFailed):
    """A `run.wait` did not come true in time; the words say what was last seen."""


class Cancelled(BaseException):
    """Somebody asked to cancel; raised by checkpoints, logs and steps."""


class Fenced(BaseException):
    """The operation was handed to another worker or ended: this run may write nothing more."""


class GivenBack(BaseException):
    """The run waits and has given its process back; it continues `after` seconds later, maybe elsewhere."""

    def __init__(self, after: float) -> None:
        super().__init__()
        self.after = after
