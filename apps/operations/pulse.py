"""A thread beside the run: it keeps the lease and writes waiting lines while the run itself is inside a long
call.
"""

import logging
import threading
import time
from contextvars import copy_context
from functools import partial

from django.db import Error, connection

from apps.operations import timing
from apps.operations.control import Fenced
from apps.operations.ledger import Ledger

log = logging.getLogger(__name__)


class Pulse:
    """Beats from `with` to its end, on a connection opened at its first beat: short runs never pay for it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._stop = threading.Event()
        self._renewed = time.monotonic()
        beat = partial(copy_context().run, self._beat)  # its lines in the log name the operation, too
        self._thread = threading.Thread(target=beat, name="operation-pulse", daemon=True)

    def __enter__(self) -> "Pulse":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._stop.wait(timing.FLUSH):
                if self._ledger.pending or time.monotonic() - self._renewed >= timing.RENEW:
                    self._save()
        except Fenced:
            log.warning("operation %s went to another worker", self._ledger.claim.operation_id)
        finally:
            connection.close()

    def _save(self) -> None:
        try:
            self._ledger.save()
            self._renewed = time.monotonic()
        except Error:
            log.warning("operation %s: no sign given, the database is away", self._ledger.claim.operation_id)
            connection.close()
