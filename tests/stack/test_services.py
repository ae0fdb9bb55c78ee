"""The embedded services start everywhere the README promises, and keep their data."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from hyperpod_site.stack.services import Postgres, ServiceFailed, Valkey, postgres_identity, throwaway_folder

IDENTITIES = ["self"] if os.getuid() else ["namespace", "nobody"]


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A short path that `nobody` can reach too, unlike pytest's own folders."""
    with throwaway_folder() as folder:
        yield folder


def usable(identity: str) -> bool:
    return identity != "namespace" or postgres_identity(Path()) == "namespace"


@pytest.mark.parametrize("identity", IDENTITIES)
def test_postgres_keeps_its_rows_across_a_kill(short_folder: Path, identity: str) -> None:
    if not usable(identity):
        pytest.skip("this machine forbids user namespaces; the other identity is tested")
    server = Postgres(short_folder / "postgres", identity=identity)
    server.start()
    with psycopg.connect(f"host={server.folder} user=portal dbname=portal", autocommit=True) as session:
        session.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    server.process.kill()
    server.process.wait()
    server.start()
    with psycopg.connect(f"host={server.folder} user=portal dbname=portal") as session:
        assert session.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    server.stop()


def test_a_second_postgres_on_the_same_data_is_refused(short_folder: Path) -> None:
    first = Postgres(short_folder / "postgres")
    first.start()
    try:
        with pytest.raises(ServiceFailed, match="already runs"):
            Postgres(short_folder / "postgres").start()
    finally:
        first.stop()


def test_valkey_answers_on_its_socket_and_keeps_its_keys(short_folder: Path) -> None:
    server = Valkey(short_folder / "valkey")
    server.start()
    redis.Redis.from_url(server.url).set("kept", "yes")
    server.stop()
    server.start()
    assert redis.Redis.from_url(server.url).get("kept") == b"yes"
    server.stop()


def test_the_services_listen_on_no_network_port(short_folder: Path) -> None:
    server = Valkey(short_folder / "valkey")
    server.start()
    sockets = subprocess.run(
        ["readlink", "-e", str(server.socket)], capture_output=True, text=True, check=True
    )
    assert sockets.stdout.strip().startswith(str(short_folder.resolve()))
    assert "port 0" in " ".join(server.command()).replace("--", "")
    server.stop()


def test_a_service_that_cannot_start_says_why(short_folder: Path) -> None:
    server = Postgres(short_folder / "postgres")
    server.folder.mkdir()
    server.data.mkdir()
    (server.data / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(ServiceFailed, match="postgres did not start"):
        server.start()
