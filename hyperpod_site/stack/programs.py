"""One child process of a stack, its readiness, and its lines in the stack's one log."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from hyperpod_site.stack.services import ServiceFailed, die_with_parent

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
PROJECT = Path(__file__).resolve().parents[2]


class TidyLog:
    """The stack's one log, a file and if asked the terminal: whole lines with their program's name."""

    def __init__(self, path: Path, *, echo: TextIO | None = None) -> None:
        self.file = path.open("a", encoding="utf-8")
        self.echo = echo
        self.lock = threading.Lock()

    def line(self, name: str, text: str) -> None:
        plain = COLOURS.sub("", text.rstrip())
        if not plain:
            return
        written = f"{time.strftime('%H:%M:%S')} {name:<8} | {plain}\n"
        with self.lock:
            for target in (self.file, self.echo):
                if target is not None:
                    target.write(written)
                    target.flush()


def always_ready() -> bool:
    return True


@dataclass
class Program:
    """A child process: what runs, when it is ready, and how it is stopped (its whole group)."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: TidyLog
    ready: Callable[[], bool] = always_ready
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    wanted: bool = field(default=False, init=False)

    def start(self) -> None:
        """Start it; `wait_ready` says when it answers."""
        self.wanted = True
        self.process = subprocess.Popen(
            self.command,
            cwd=PROJECT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        threading.Thread(target=self._copy_lines, args=(self.process,), daemon=True).start()

    def wait_ready(self, *, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not self.ready():
            if not self.running:
                raise ServiceFailed(f"{self.name} stopped while starting; its lines are in the log")
            if time.monotonic() > end:
                raise ServiceFailed(
                    f"{self.name} did not answer within {seconds:.0f} s; its lines are in the log"
                )
            time.sleep(0.05)

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, how: signal.Signals) -> None:
        """Send `how` to the whole process group; nothing happens when it is gone."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, how)
            except ProcessLookupError:
                return

    def kill(self) -> None:
        """SIGKILL for parent and children, as a machine that goes away would do it."""
        self.wanted = False
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def ask_to_stop(self) -> None:
        self.wanted = False
        self.signal(signal.SIGTERM)

    def wait_stopped(self, *, seconds: float = 10) -> None:
        """Wait for the end, insist with SIGKILL after `seconds`."""
        if self.process is None:
            return
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.log.line(self.name, f"did not stop within {seconds:.0f} s, killed")
        self.signal(signal.SIGKILL)
        self.process.wait()

    def _copy_lines(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.log.line(self.name, line.decode(errors="replace"))
