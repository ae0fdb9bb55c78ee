"""Real processes for tests: development cluster, workers, web servers, watchers; each ends with its test."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from django.conf import settings

from hyperpod_site.stack.services import die_with_parent

PROJECT = Path(__file__).resolve().parent.parent


T = TypeVar("T")


def until(
    look: Callable[[], T],
    *,
    seconds: float = 20,
    every: float = 0.05,
    what: str = "",
    told: Callable[[], str] = str,
) -> T:
    """The first true answer of `look`; AssertionError after the deadline, with what `told` says then."""
    end = time.monotonic() + seconds
    while not (answer := look()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what or look} {told()}")
        time.sleep(every)
    return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_environment(**more: str) -> dict[str, str]:
    """The environment of a portal process that works on this test's database and Valkey prefix."""
    database = settings.DATABASES["default"]
    url = f"postgres://{database['USER']}@/{database['NAME']}?host={database['HOST']}&port={database['PORT']}"
    return {**os.environ, "PORTAL_DATABASE_URL": url, **more}


@contextlib.contextmanager
def process(*command: str, log: Path | None = None, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python <command>` in a session of its own until the block ends; the whole group is stopped."""
    with (log or Path(os.devnull)).open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, *command],
            cwd=PROJECT,
            env=test_environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
    try:
        yield child
    finally:
        stop_group(child)


def stop_group(child: subprocess.Popen[bytes], *, patience: float = 10) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)
    child.wait()


@dataclass(frozen=True)
class Devcluster:
    """A running development cluster: its address and its kubeconfigs (admin, and the portal's own rights)."""

    server: str
    folder: Path

    @property
    def admin_kubeconfig(self) -> str:
        return (self.folder / "kubeconfig").read_text()

    @property
    def portal_kubeconfig(self) -> str:
        return (self.folder / "portal.kubeconfig").read_text()


@contextlib.contextmanager
def devcluster(*options: str) -> Iterator[Devcluster]:
    """`python -m devcluster` with `options` on a free port, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="devcluster-") as name:
        folder = Path(name)
        with process("-m", "devcluster", "--dir", name, "--quiet", *options, log=folder / "log") as child:
            until(lambda: ready(folder, child), seconds=60, what="devcluster to answer")
            yield Devcluster(json.loads((folder / "ready").read_text())["server"], folder)


def ready(folder: Path, child: subprocess.Popen[bytes]) -> bool:
    assert child.poll() is None, (folder / "log").read_text(errors="replace")[-3000:]
    return (folder / "ready").exists()
