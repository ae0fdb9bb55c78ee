"""Starts real Postgres and Valkey before Django reads its settings.

Loaded by `-p tests.stack_plugin` (pyproject.toml). Under xdist the controller starts them once; each worker
gets a database and a Valkey prefix of its own.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from hyperpod_site.stack.environment import portal_environment
from hyperpod_site.stack.services import Postgres, Service, Valkey

running: list[Service] = []
folders: list[Path] = []


def start_services() -> None:
    folder = Path(tempfile.mkdtemp(prefix="portal-test-"))
    folders.append(folder)
    database_url, redis_url = (
        os.environ.get("PORTAL_DATABASE_URL", ""),
        os.environ.get("PORTAL_REDIS_URL", ""),
    )
    if not database_url:
        running.append(postgres := Postgres(folder / "postgres", durable=False))
        database_url = postgres.url
    if not redis_url:
        running.append(valkey := Valkey(folder / "valkey", durable=False))
        redis_url = valkey.url
    for service in running:
        service.start()
    environment = portal_environment(
        folder=folder, database_url=database_url, redis_url=redis_url, origin="http://testserver"
    )
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    os.environ.update(
        environment,
        PORTAL_ALLOWED_HOSTS="testserver,localhost,127.0.0.1",
        PORTAL_DATABASE_POOL="0",
        PORTAL_LOG_LEVEL="ERROR",
        PORTAL_TEST_FOLDER=str(folder),
    )


def own_prefix() -> None:
    """Give an xdist worker its own keys and channels in the shared Valkey."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    os.environ["PORTAL_REDIS_PREFIX"] = f"test-{worker}"
    os.environ["PORTAL_DATA_DIR"] = f"{os.environ['PORTAL_TEST_FOLDER']}/data-{worker}"


def stop_services() -> None:
    for service in running:
        service.stop()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if "PORTAL_TEST_FOLDER" not in os.environ:
    atexit.register(stop_services)
    start_services()
own_prefix()
