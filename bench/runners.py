"""The work that log_lines.py has a worker do."""

import sys
from pathlib import Path

from apps.operations.registry import runner
from apps.operations.run import Run

SCRIPT = Path(__file__).with_name("lines_script.py")


@runner("Print lines", queue="long")
def print_lines(run: Run, *, rate: int, seconds: float, gate: str) -> None:
    """A script that prints `rate` lines a second once the file `gate` is there."""
    run.script("Print", [sys.executable, str(SCRIPT), str(rate), str(seconds), gate])
