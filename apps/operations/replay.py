"""Saying nothing twice: a continued run repeats the code before its first unfinished step, and so its log
calls.

What an earlier stretch already wrote is compared with what this one says; as long as both agree, nothing is
written again. From the first difference on, everything is. So lines double only where the repeated work
truly went otherwise.
"""

from collections.abc import Iterator

from apps.operations.models import OperationLine

PAGE = 500


class Replay:
    """What the earlier stretches of one operation logged in one step ("" = between steps)."""

    def __init__(self, operation_id: int, step: str, *, until: int) -> None:
        self._said: Iterator[str] = self._read(operation_id, step, until)
        self._agrees = until > 0

    def repeats(self, text: str) -> bool:
        """Whether `text` is the next line that was already written."""
        self._agrees = self._agrees and next(self._said, None) == text
        return self._agrees

    @staticmethod
    def _read(operation_id: int, step: str, until: int) -> Iterator[str]:
        lines = OperationLine.objects.filter(
            operation_id=operation_id, step=step, stream=OperationLine.Stream.LOG, seq__lte=until
        ).order_by("seq")
        seq = 0
        while page := list(lines.filter(seq__gt=seq).values_list("seq", "text")[:PAGE]):
            yield from (text for _seq, text in page)
            seq = page[-1][0]
