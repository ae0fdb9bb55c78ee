"""What Linux says of processes in /proc: when one began, its session, the mark it was started with."""

import socket
from pathlib import Path
from typing import Final

MARKER: Final = "PORTAL_SCRIPT"


def host() -> str:
    """This machine, or this container: the host name and the namespace in which process numbers count."""
    return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"


def boot() -> str:
    """The kernel's id of the current boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def stat(pid: int, *, dead: bool = False) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on; [] for no such process, or a zombie unless `dead`."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return fields if dead or fields[0] not in ("Z", "X") else []


def start_time(pid: int, *, dead: bool = False) -> int | None:
    """Clock ticks after boot at which a process began (field 22 of proc(5))."""
    fields = stat(pid, dead=dead)
    return int(fields[19]) if fields else None


def session(pid: int) -> int | None:
    """The session of a process (field 6 of proc(5))."""
    fields = stat(pid)
    return int(fields[3]) if fields else None


def mark_of(pid: int) -> str | None:
    """The mark in a process's environment: "" for none, None while nothing can be seen.

    In the middle of an exec the environment is empty for a moment.
    """
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
    found = [word for word in environment.split(b"\0") if word.startswith(f"{MARKER}=".encode())]
    return found[0].partition(b"=")[2].decode("ascii", "replace") if found else "" if environment else None


def command(pid: int) -> bytes:
    """What a process runs, words ended by NUL; b"" while nothing can be seen, as in the middle of an exec."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def all_processes() -> list[int]:
    """The numbers of all processes that can be seen."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
