"""What a process costs, as the kernel counts it."""

import os
from pathlib import Path

MEGABYTE = 1024 * 1024


def cpu_seconds(pid: int) -> float:
    """User and system time that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int, *, peak: bool = False) -> float:
    """Resident memory now, or the most there ever was."""
    name = "VmHWM:" if peak else "VmRSS:"
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


def family(pid: int) -> list[int]:
    """The process and all that descend from it now."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [pid, *(found for child in text.split() for found in family(int(child)))]


def family_cpu_seconds(pid: int) -> float:
    """User and system time of the process and its living descendants."""
    return sum(cpu_seconds(found) for found in family(pid))
