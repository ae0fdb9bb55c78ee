"""The whole portal on one machine: services, far sides of the wire, and the portal's own processes.

`make demo` keeps one in `.run/`; smoke scenarios and benchmarks make throw-away ones on free ports.
"""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from hyperpod_site.stack.environment import portal_environment, replaced
from hyperpod_site.stack.programs import PROJECT, Program, TidyLog
from hyperpod_site.stack.services import Postgres, Service, ServiceFailed, Valkey, die_with_parent

HOST = "127.0.0.1"
# True of every embedded stack and of no use in its log: no collected static files, workers run by root.
QUIET = {"PYTHONWARNINGS": "ignore:::celery.platforms,ignore:No directory at"}


def free_port(wanted: int = 0) -> int:
    """`wanted` when nobody listens there, else any free port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether an HTTP GET is answered with a status below 500."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 (our own address)
            return bool(response.status < 500)
    except OSError as error:
        return getattr(error, "code", 500) < 500


@dataclass
class Stack:
    """Everything the portal needs, started in order and stopped in reverse."""

    folder: Path
    port: int = 0
    devcluster_options: Sequence[str] = ()
    durable: bool = False
    with_aws: bool = True
    echo: TextIO | None = None
    services: list[Service] = field(default_factory=list, init=False)
    programs: dict[str, Program] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.port = free_port(self.port)
        self.log = TidyLog(self.folder / "log", echo=self.echo)
        given = replaced()
        self.environment = portal_environment(
            folder=self.folder,
            database_url=given.get("PORTAL_DATABASE_URL") or self._postgres().url,
            redis_url=given.get("PORTAL_REDIS_URL") or self._valkey().url,
            origin=f"http://localhost:{self.port}",
        )
        self.environment.update(QUIET, PORTAL_LOG_JSON="false", PORTAL_LOG_LEVEL="INFO", **given)
        self.own_cluster = "PORTAL_KUBECONFIG" not in given

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def cluster_folder(self) -> Path:
        return self.folder / "devcluster"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig with the portal's own, least rights."""
        given = self.environment.get("PORTAL_KUBECONFIG")
        return Path(given) if given else self.cluster_folder / "portal.kubeconfig"

    def start(self) -> None:
        """Start all and return when the web process answers, on a migrated database with people in it."""
        self.start_far_side()
        commands = self.portal_commands()
        web = self.add("web", commands.pop("web"))  # it loads while the database is made ready
        if self.own_cluster:
            self.programs["cluster"].wait_ready()
        self.manage("seed_demo", "--migrate", "--people", "--kubeconfig", str(self.kubeconfig))
        for name, command in commands.items():
            self.add(name, command)
        web.ready = lambda: answers(f"http://{HOST}:{self.port}/readyz")
        web.wait_ready()

    def start_far_side(self) -> None:
        """Postgres and Valkey, and the clouds that the portal speaks to."""
        for service in self.services:
            service.start()
            self.log.line(service.name, "ready")
        if self.own_cluster:
            self._start_devcluster()
        if self.with_aws and "PORTAL_AWS_ENDPOINT_URL" not in self.environment:
            self._start_aws()

    def portal_commands(self) -> dict[str, list[str]]:
        """The portal's own processes, as docker-compose.yml runs them too."""
        celery = [sys.executable, "-m", "celery", "--quiet", "-A", "hyperpod_site", "--skip-checks"]
        worker = [
            *celery,
            "worker",
            "--pool=prefork",
            "--without-gossip",
            "--without-mingle",
            "--loglevel=WARNING",
        ]
        return {
            "web": [
                *(sys.executable, "-m", "uvicorn", "hyperpod_site.asgi:application"),
                *("--host", HOST, "--port", str(self.port), "--no-access-log", "--log-level", "warning"),
                *("--ws-per-message-deflate", "false", "--timeout-graceful-shutdown", "5"),
            ],
            "quick": [*worker, "--queues=quick", "--concurrency=2", "--hostname=quick@%h"],
            "long": [*worker, "--queues=long", "--concurrency=1", "--hostname=long@%h"],
            "beat": [*celery, "beat", "--pidfile=", "--loglevel=WARNING"],
            "watcher": [sys.executable, "manage.py", "watch"],
        }

    def add(self, name: str, command: list[str], **environment: str) -> Program:
        """Start one more program; web and watcher keep a pool of connections (a worker's fork breaks it)."""
        pool = {} if name in {"web", "watcher"} else {"PORTAL_DATABASE_POOL": "0"}
        program = Program(name, command, {**self.environment, **pool, **environment}, self.log)
        self.programs[name] = program
        program.start()
        return program

    def manage(self, *arguments: str) -> str:
        """Run `manage.py <arguments>` to its end and return what it printed. Raises ServiceFailed."""
        command = [sys.executable, "manage.py", *arguments]
        environment = {**self.environment, "PORTAL_DATABASE_POOL": "0"}
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        for line in (done.stdout + done.stderr).splitlines():
            self.log.line("manage", line)
        if done.returncode:
            raise ServiceFailed(
                f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}"[-3000:]
            )
        return done.stdout

    def watch(self) -> None:
        """Restart programs that end by themselves; runs until interrupted."""
        while True:
            time.sleep(1)
            for program in self.programs.values():
                if program.wanted and not program.running:
                    self.log.line(program.name, "ended, starting it again")
                    program.start()

    def stop(self) -> None:
        """Stop the programs together, then the services."""
        programs = list(self.programs.values())[::-1]
        for program in programs:
            program.ask_to_stop()
        for program in programs:
            program.wait_stopped()
        for service in self.services[::-1]:
            service.stop()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _postgres(self) -> Postgres:
        service = Postgres(self.folder / "postgres", durable=self.durable)
        self.services.append(service)
        return service

    def _valkey(self) -> Valkey:
        service = Valkey(self.folder / "valkey", durable=self.durable)
        self.services.append(service)
        return service

    def _start_devcluster(self) -> None:
        self.cluster_folder.mkdir(exist_ok=True)
        ready = self.cluster_folder / "ready"
        ready.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "devcluster",
            "--dir",
            str(self.cluster_folder),
            *self.devcluster_options,
        ]
        self.add("cluster", command).ready = ready.exists

    def _start_aws(self) -> None:
        port = free_port()
        self.environment["PORTAL_AWS_ENDPOINT_URL"] = f"http://{HOST}:{port}"
        self.add("aws", [sys.executable, "-m", "moto.server", "--host", HOST, "--port", str(port)])

    def cluster_server(self) -> str:
        """The development cluster's address."""
        return str(json.loads((self.cluster_folder / "ready").read_text())["server"])
