"""A sign of life for processes that answer no HTTP: a file touched while they go on, looked at by probes.

PORTAL_ALIVE_FILE names it; without it nothing is written.
"""

import threading
from pathlib import Path

from django.conf import settings


def sign() -> None:
    """Touch the file; a full or read-only disk is no reason to end."""
    if settings.PORTAL_ALIVE_FILE:
        try:
            Path(settings.PORTAL_ALIVE_FILE).touch()
        except OSError:
            return


class Stop(threading.Event):
    """An event that gives a sign whenever somebody waits for it: for loops that wait between two looks."""

    def wait(self, timeout: float | None = None) -> bool:
        """Give a sign, then wait."""
        sign()
        return super().wait(timeout)
