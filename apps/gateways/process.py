"""Run a script that outlives its runner: its lines go to a file, its end to another, any worker may go on.

Whoever picks a script up again proves that it is the same one: same machine, boot and process-id namespace,
same start time, same mark in its environment. A process number alone proves nothing: numbers are used again.
"""

import os
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from apps.gateways import proc

MAX_LINE: Final = 1 << 20
BATCH: Final = 1 << 20
_OUTPUT: Final = "output"
_EXIT: Final = "exit"

# A shell stays beside the script to note how it ended. Its own traps do not reach the script: a shell gives
# its children the default handlers back.
_WRAPPER: Final = """trap : TERM INT HUP
"$@"
code=$?
cd "$PORTAL_SCRIPT_FOLDER" && echo "$code" > exit.part && mv exit.part exit
exit "$code"
"""


class ProcessError(Exception):
    """A script cannot be started or taken up again; the message is for people."""


class Elsewhere(ProcessError):
    """The script belongs to another machine, container or boot: it cannot be followed from here."""


@dataclass(frozen=True)
class Handle:
    """All that is needed to find a script again; `as_dict()` is JSON for the database."""

    pid: int
    started: int
    host: str
    boot: str
    mark: str
    folder: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Handle":
        """The reverse of `as_dict`. Raises ProcessError when something is missing."""
        try:
            return cls(
                pid=int(values["pid"]),
                started=int(values["started"]),
                host=str(values["host"]),
                boot=str(values["boot"]),
                mark=str(values["mark"]),
                folder=str(values["folder"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ProcessError("The record of the script cannot be read.") from error


@dataclass(frozen=True)
class Batch:
    """Whole lines (bytes, no newline) and the offset after them: keep the offset with the lines."""

    lines: list[bytes]
    offset: int


class Script:
    """A script under way or ended. Made by `start` and `attach`."""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self._folder = Path(handle.folder)

    @property
    def running(self) -> bool:
        """Whether it still runs; what it left in the background after its own end does not count."""
        _reap(self.handle.pid)
        return _is_alive(self.handle) or (self.exit_code is None and bool(self._members()))

    @property
    def exit_code(self) -> int | None:
        """How it ended, as a shell counts (128 + signal); None while it runs, or if it was killed unseen."""
        try:
            return int((self._folder / _EXIT).read_text())
        except (FileNotFoundError, ValueError):
            return None

    def read(self, offset: int = 0, *, last: bool = False) -> Batch:
        """Lines after `offset`, at most about a megabyte.

        A line that is still being written waits for its end, unless it is the `last` call or very long.
        """
        try:
            with (self._folder / _OUTPUT).open("rb") as output:
                output.seek(offset)
                data = output.read(BATCH)
        except FileNotFoundError as error:
            raise ProcessError("The script's output is gone.") from error
        end = data.rfind(b"\n") + 1
        if (last and len(data) < BATCH) or (end == 0 and len(data) == BATCH):
            end = len(data)
        lines = data[:end].split(b"\n")
        if not lines[-1]:
            del lines[-1]
        return Batch(lines, offset + end)

    def follow(self, offset: int = 0, *, poll: float = 0.1) -> Iterator[Batch]:
        """Batches until the script has ended and everything is read; an empty batch on each silent poll.

        The caller may act between batches (save the offset, look for a cancel) and may stop at any time.
        """
        while True:
            running = self.running
            batch = self.read(offset, last=not running)
            offset = batch.offset
            if batch.lines or running:
                yield batch
            if not batch.lines:
                if not running:
                    return
                time.sleep(poll)

    def stop(self, *, grace: float = 10) -> None:
        """Ask all its processes to end (TERM), and after `grace` seconds make them (KILL).

        Processes that left the group or the session are found by a mark in their environment. Returns when
        none is left; raises ProcessError when some do not even die.
        """
        for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0)):
            if self._end_all(number, time.monotonic() + patience):
                return
        raise ProcessError("The script does not let itself be stopped.")

    def _end_all(self, number: signal.Signals, deadline: float) -> bool:
        """Signal every process once, also those that appear meanwhile; whether none is left in time.

        One that became another program since gets it again: between fork and exec a shell's child still has
        the shell's traps, which swallow it.
        """
        signalled: set[tuple[int, bytes]] = set()
        looks_empty = 0
        while time.monotonic() < deadline:
            members = {(pid, proc.command(pid)) for pid in self._members()}
            for pid, _command in members - signalled:
                _send(pid, number)
            signalled |= members
            # Twice: a process that is just starting another shows no mark for a moment.
            looks_empty = 0 if members else looks_empty + 1
            if looks_empty == 2:
                return True
            time.sleep(0.02)
        return False

    def forget(self) -> None:
        """Delete its files, once its lines are kept elsewhere."""
        for name in (_OUTPUT, _EXIT, f"{_EXIT}.part"):
            (self._folder / name).unlink(missing_ok=True)
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _members(self) -> list[int]:
        """The running processes of this script, never anybody else's."""
        _reap(self.handle.pid)
        leader = proc.start_time(self.handle.pid)
        session = leader in (None, self.handle.started)
        return [pid for pid in proc.all_processes() if self._is_ours(pid, session=session)]

    def _is_ours(self, pid: int, *, session: bool) -> bool:
        """By its mark; by its session where the mark cannot be seen and the number was not used again."""
        mark = proc.mark_of(pid)
        if mark is None:
            return session and proc.session(pid) == self.handle.pid
        return mark == self.handle.mark and bool(proc.stat(pid))


_children: dict[int, subprocess.Popen[bytes]] = {}


def start(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Script:
    """Start a command (argument list, no shell) in a session of its own and return at once.

    `folder` (default: a new private one) gets its output and its exit code; `environment` is the whole of it
    (default: only path, home and language, because the runner's own holds secrets). Standard output and
    error go to the same file; there is no input. Raises ProcessError when it cannot be started.
    """
    if not command or any("\0" in word for word in command):
        raise ProcessError("There is nothing to run.")
    place = Path(tempfile.mkdtemp(prefix="portal-script-")) if folder is None else folder
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = uuid.uuid4().hex
    base = _basics() if environment is None else environment
    try:
        with (place / _OUTPUT).open("ab") as output:
            child = subprocess.Popen(
                ["/bin/sh", "-c", _WRAPPER, "script", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env={**base, proc.MARKER: mark, f"{proc.MARKER}_FOLDER": str(place.resolve())},
                start_new_session=True,
            )
    except OSError as error:
        raise ProcessError(f"The script cannot be started: {error.strerror}.") from error
    _children[child.pid] = child
    started = proc.start_time(child.pid, dead=True) or 0
    return Script(Handle(child.pid, started, proc.host(), proc.boot(), mark, str(place.resolve())))


def _basics() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}


def attach(handle: Handle) -> Script:
    """Take up a script again, also one that has ended meanwhile.

    Raises Elsewhere when it was started on another machine, container or boot.
    """
    if handle.host != proc.host():
        raise Elsewhere("The script was started on another machine.")
    if handle.boot != proc.boot():
        raise Elsewhere("The machine was started anew since; the script is gone.")
    return Script(handle)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # it ended by itself in between


def _reap(pid: int) -> None:
    """Take the exit of a child of ours, else it would stay as a zombie."""
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]


def _is_alive(handle: Handle) -> bool:
    # The start time counts in hundredths of a second: the mark settles what began in the same one.
    same_start = handle.started != 0 and proc.start_time(handle.pid) == handle.started
    return same_start and proc.mark_of(handle.pid) in (handle.mark, None)
