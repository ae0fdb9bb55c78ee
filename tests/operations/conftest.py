"""A real Celery worker (parent and children) on the tests' database and Valkey."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connection

from apps.operations.models import Operation
from apps.operations.statuses import ACTIVE, OperationStatus
from tests.processes import process, until

LEASE = 4


class Workers:
    """Workers that are started when wanted, and may be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stack = ExitStack()
        self.running: list[subprocess.Popen[bytes]] = []
        self.started = 0

    def want(self, number: int = 1) -> None:
        """Have so many workers running, each with two children and a beat."""
        self.running = [worker for worker in self.running if worker.poll() is None]
        while len(self.running) < number:
            self.start()

    def start(self) -> None:
        self.started += 1
        log, ready = self.folder / f"worker-{self.started}.log", self.folder / f"worker-{self.started}.ready"
        celery = ["-m", "celery", "-A", "tests.operations.worker", "--skip-checks"]
        options = ["worker", "-B", "-Q", "quick,long", "-c", "2", "--without-gossip", "--without-mingle"]
        environment = {
            "PORTAL_OPERATIONS_LEASE": str(LEASE),
            "PORTAL_LOG_LEVEL": "WARNING",
            "TEST_WORKER_READY": str(ready),
        }
        child = self.stack.enter_context(process(*celery, *options, log=log, **environment))
        until(lambda: ready.exists() or child.poll(), seconds=120, what="the worker to be ready")
        assert child.poll() is None, log.read_text()[-3000:]
        self.running.append(child)

    def kill(self) -> int:
        """SIGKILL to the whole of every worker, parents and children; gives how many processes that were."""
        killed = 0
        for worker in self.running:
            family = [worker.pid, *children(worker.pid)]
            killed += len(family)
            for pid in family:
                os.kill(pid, signal.SIGKILL)
            worker.wait()
        self.running = []
        return killed


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


@pytest.fixture(scope="module")
def all_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """For one module: later tests of this database must find no worker and no beat at work."""
    workers = Workers(tmp_path_factory.mktemp("workers"))
    with workers.stack:
        yield workers


@pytest.fixture
def workers(all_workers: Workers, transactional_db: None) -> Iterator[Workers]:
    """One running worker; after the test nothing is left that it could be busy with."""
    all_workers.want()
    yield all_workers
    Operation.objects.filter(status__in=ACTIVE).update(status=OperationStatus.LOST, epoch=1_000_000)
    if any(database_users()):
        all_workers.kill()


def database_users() -> list[int]:
    """Other sessions that are inside of a transaction now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        return [row[0] for row in cursor.fetchall()]
