"""What a running operation writes goes through its ledger: one lock, one fence, one transaction a write.

Lines gather here and are written about three times a second, by the run itself or by its pulse. Numbers are
taken from the operation's row under the fence, in the transaction that writes the lines: no gap, no double,
and a runner that was taken over writes nothing.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import Error, OperationalError, connection, transaction
from django.db.models import F

from apps.live import publish, topics
from apps.operations import lines, timing
from apps.operations.claims import Claim
from apps.operations.control import Fenced
from apps.operations.lines import Line
from apps.operations.models import Operation

log = logging.getLogger(__name__)
MOST_PENDING = 100_000


class Ledger:
    """The pending lines of one claim, and the only way to write them and what belongs to them."""

    def __init__(self, claim: Claim, *, last_seq: int) -> None:
        self.claim = claim
        self._last_seq = last_seq
        self.cancel_wanted = False
        self.fenced = False
        self._lock = threading.RLock()
        self._pending: list[Line] = []
        self._saved_at = time.monotonic()

    @property
    def pending(self) -> bool:
        """Whether lines wait to be written."""
        return bool(self._pending)

    def add(self, new: list[Line]) -> None:
        """Take lines; a full batch is written at once, unless the caller is in a transaction."""
        with self._lock:
            self._pending.extend(new)
            full = len(self._pending) >= timing.BATCH
        if full and not connection.in_atomic_block:
            self.try_flush()
        if len(self._pending) > MOST_PENDING:
            raise OperationalError("log lines could not be written for too long")

    def try_flush(self) -> None:
        """Write pending lines; where the database is away they stay for the next attempt."""
        try:
            self.save()
        except Error:
            log.exception("operation %s: lines not written yet", self.claim.operation_id)
            connection.close_if_unusable_or_obsolete()

    @property
    def silence(self) -> float:
        """Seconds since the last write."""
        return time.monotonic() - self._saved_at

    def save(self, *also: Callable[[], object], said: Sequence[Line] = (), **changes: Any) -> None:
        """Write pending lines and `said`, call `also` and change the row, in one fenced transaction.

        Raises Fenced when this run may write no longer. When it raises, nothing is written; pending lines
        stay for the next attempt, `said` is the caller's.
        """
        with self._lock:
            pending, self._pending = self._pending, []
            try:
                with transaction.atomic():
                    last = self._write([*pending, *said], changes)
                    for call in also:
                        call()
            except Fenced:
                self.fenced = True
                raise
            except BaseException:
                self._pending = pending + self._pending
                raise
            self._last_seq, self._saved_at = last, time.monotonic()
        if pending or said:
            publish.publish(topics.lines(self.claim.operation_id))

    def _write(self, batch: list[Line], changes: dict[str, Any]) -> int:
        """Take numbers under the fence and write the lines; gives the last number."""
        row = Operation.objects.filter(pk=self.claim.operation_id)
        self.claim.write(last_seq=F("last_seq") + len(batch), **changes)
        last, wish = row.values_list("last_seq", "cancel_requested_at").get()
        self.cancel_wanted = wish is not None
        if (before := last - len(batch)) > self._last_seq:
            # A commit whose answer never came has succeeded: the first of these lines are there already.
            batch = batch[before - self._last_seq :]
            last = before + len(batch)
            row.update(last_seq=last)
        for start in range(0, len(batch), timing.BATCH):
            part = batch[start : start + timing.BATCH]
            lines.insert(self.claim.operation_id, part, first=last - len(batch) + start + 1)
        return last
