"""docker-compose.yml: accepted by Debian's docker-compose, complete, without secrets, with few rights."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
FILE = PROJECT / "docker-compose.yml"
PORTAL = {"web", "worker-quick", "worker-long", "beat", "watcher", "migrate"}
SERVERS = {"postgres", "redis"}
GIVEN = {
    "PORTAL_SECRET_KEY": "given-secret-key-given-secret-key",
    "PORTAL_ENCRYPTION_KEYS": "given-encryption-key",
    "POSTGRES_PASSWORD": "given-password",
    "PORTAL_ORIGIN": "https://portal.example",
}


def compose_command() -> list[str]:
    """Debian's docker-compose, or Docker's own plugin."""
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    plugin = ["docker", "compose"]
    if shutil.which("docker") and not subprocess.run([*plugin, "version"], capture_output=True).returncode:
        return plugin
    pytest.skip("neither docker-compose nor docker compose is here: apt-get install docker-compose")


def config(**given: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [*compose_command(), "-f", str(FILE), "config"]
    return subprocess.run(command, env={**kept, **given}, capture_output=True, text=True, cwd="/")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    done = config(**GIVEN)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = yaml.safe_load(done.stdout)["services"]
    return found


def test_docker_compose_accepts_it_with_every_process(services: dict[str, Any]) -> None:
    assert set(services) == PORTAL | SERVERS
    assert services["web"]["environment"]["PORTAL_SECRET_KEY"] == GIVEN["PORTAL_SECRET_KEY"]
    assert all(f"${{{name}:?" in FILE.read_text() for name in GIVEN)


@pytest.mark.parametrize("name", GIVEN)
def test_it_refuses_to_start_without_a_secret(name: str) -> None:
    done = config(**{key: value for key, value in GIVEN.items() if key != name})
    assert done.returncode != 0 and name in done.stderr


def test_every_process_says_whether_it_is_well(services: dict[str, Any]) -> None:
    tests = {name: service["healthcheck"].get("test", ["NONE"]) for name, service in services.items()}
    unwell = [name for name, test in tests.items() if test == ["NONE"]]
    assert unwell == ["migrate"], "it ends, and all others wait for its end"
    waiting = {name for name in PORTAL if "migrate" in services[name]["depends_on"]}
    assert waiting == PORTAL - {"migrate"}
    ended = services["web"]["depends_on"]["migrate"]["condition"]
    assert ended == "service_completed_successfully"


def test_no_process_is_root_or_writes_to_its_image(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert int(service["user"].split(":")[0]) > 0, name
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_only_the_web_process_can_be_reached_and_by_default_from_this_host_only(
    services: dict[str, Any],
) -> None:
    assert [name for name, service in services.items() if service.get("ports")] == ["web"]
    assert services["web"]["ports"] == ["127.0.0.1:8000:8000/tcp"] or (
        services["web"]["ports"][0]["host_ip"] == "127.0.0.1"
    )
    assert all(list(services[name]["networks"]) == ["inside"] for name in SERVERS)


def test_images_name_their_version(services: dict[str, Any]) -> None:
    for name, service in services.items():
        tag = service["image"].rpartition(":")[2]
        assert tag not in {"", "latest"} and "/" not in tag, name


def test_workers_are_given_time_to_give_back(services: dict[str, Any]) -> None:
    grace = {name: services[name].get("stop_grace_period") for name in ("web", "worker-quick", "worker-long")}
    assert all(grace.values()), grace
