"""What the repository's files may not hold: registry hosts, paths of a machine, locks without hashes."""

import json
import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
LOCKS = [*sorted((PROJECT / "requirements").glob("*.txt")), PROJECT / "package-lock.json"]
REGISTRIES = re.compile(
    r"(?:pypi\.(?:org|python)|files\.pythonhosted|registry\.(?:npmjs|yarnpkg)|deb\.debian\.org|"
    r"--(?:extra-)?index-url\s+\S|--find-links\s+\S|artifactory|nexus\.)",
    re.IGNORECASE,
)
CONTAINER_HOME = r"root/\.cache"  # where images keep what they download
MACHINE_PATHS = re.compile(rf"(?<![\w.$/])/(?!{CONTAINER_HOME})(?:root|work|home/[a-z]\w*|Users/\w+)/[\w.-]+")
ALLOWED = {"tests/test_repository.py"}


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return [PROJECT / name for name in listed.stdout.split("\0") if name and name not in ALLOWED]


def text_of(path: Path) -> str:
    return path.read_text(errors="ignore") if path.is_file() else ""


def test_no_file_names_the_host_of_a_registry() -> None:
    files = tracked_files()
    found = {
        str(path.relative_to(PROJECT)): match[0]
        for path in files
        if (match := REGISTRIES.search(text_of(path)))
    }
    assert len(files) > 50 and not found


def test_no_file_names_a_path_of_a_machine() -> None:
    found = {
        str(path.relative_to(PROJECT)): match[0]
        for path in tracked_files()
        if path.parts[-2] != "wire" and (match := MACHINE_PATHS.search(text_of(path)))
    }
    assert not found


@pytest.mark.parametrize(
    "lock", [lock for lock in LOCKS if lock.suffix == ".txt"], ids=lambda lock: lock.name
)
def test_every_locked_python_package_carries_hashes(lock: Path) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", lock.read_text(), flags=re.IGNORECASE)
    packages = [entry for entry in entries if "==" in entry.splitlines()[0]]
    assert packages and all("--hash=sha256:" in package for package in packages)


def test_every_locked_npm_package_carries_a_hash_and_no_address() -> None:
    lock = (PROJECT / "package-lock.json").read_text()
    assert "://" not in lock
    packages = json.loads(lock)["packages"]
    installed = [package for name, package in packages.items() if name]
    assert installed and all("integrity" in package and "resolved" not in package for package in installed)


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https" + "://packages.example/simple",
        "resolved: registry." + "npmjs",
        "cd /ro" + "ot/project",
    ],
)
def test_the_patterns_would_find_an_offence(line: str) -> None:
    assert REGISTRIES.search(line) or MACHINE_PATHS.search(line)
