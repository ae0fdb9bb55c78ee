"""The Dockerfile by its rules: no root, no latest, no downloads past the locks, no secrets."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
TEXT = (PROJECT / "Dockerfile").read_text()
IGNORED = (PROJECT / ".dockerignore").read_text().split("\n")
Instruction = tuple[str, str]


def instructions(text: str) -> list[Instruction]:
    """(INSTRUCTION, the rest) with continued lines joined and comments left out."""
    lines = [line for line in text.split("\n") if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split()[0].upper(), line.partition(" ")[2].strip()) for line in joined.split("\n") if line]


def faults(text: str) -> list[str]:
    """What is wrong with a Dockerfile."""
    found = instructions(text)
    stages = {rest.split()[-1] for word, rest in found if word == "FROM" and " AS " in rest}
    last = max(index for index, (word, _rest) in enumerate(found) if word == "FROM")
    users = [rest for word, rest in found[last:] if word == "USER"]
    wrong = [] if users and re.match(r"[1-9]\d*(:\d+)?$", users[-1]) else ["the last stage runs as root"]
    for word, rest in found:
        image = rest.split()[0]
        if word == "FROM" and image not in stages and (":" not in image or image.endswith(":latest")):
            wrong.append(f"{image} names no version")
        if word == "ADD":
            wrong.append("ADD fetches and unpacks; COPY does not")
        if word == "RUN" and re.search(r"curl|wget|\bsudo\b", rest):
            wrong.append(f"downloads past the locks: {rest}")
        if word == "RUN" and "pip install" in rest and "--require-hashes" not in rest:
            wrong.append(f"installs without hashes: {rest}")
        if word == "RUN" and re.search(r"npm (install|i)\b", rest):
            wrong.append("npm install changes the lock; npm ci does not")
        if word in {"ARG", "ENV"} and re.search(r"SECRET|PASSWORD|TOKEN|ENCRYPTION|DATABASE_URL", rest):
            wrong.append(f"a secret stays in the image: {rest}")
    return wrong


def test_the_dockerfile_keeps_the_rules() -> None:
    assert faults(TEXT) == []
    assert len([1 for word, _rest in instructions(TEXT) if word == "FROM"]) == 4


BROKEN = {
    "as root": TEXT.replace("USER 10001:10001\n", ""),
    "as root again": TEXT.replace("USER 10001:10001\n", "USER 10001:10001\nUSER root\n"),
    "latest": TEXT.replace("node:22-bookworm-slim", "node:latest"),
    "no version": TEXT.replace("python:3.11-slim-bookworm", "python"),
    "no hashes": TEXT.replace("--require-hashes ", ""),
    "npm install": TEXT.replace("npm ci", "npm install"),
    "add": TEXT.replace("COPY manage.py", "ADD https://example/manage.py").replace("COPY . .", "ADD . ."),
    "secret": TEXT.replace("EXPOSE 8000", "ENV PORTAL_SECRET_KEY=something"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_rules_would_find_an_offence(name: str) -> None:
    assert BROKEN[name] != TEXT and faults(BROKEN[name])


def test_what_is_copied_exists_and_is_let_through() -> None:
    assert IGNORED[1] == "*", "everything is left out but what is named"
    allowed = [line[1:] for line in IGNORED if line.startswith("!")]
    missing = {name for name in allowed if not (PROJECT / name).exists()}
    assert missing <= {"locale"}
    copied = [
        rest.split()[:-1] for word, rest in instructions(TEXT) if word == "COPY" and "--from" not in rest
    ]
    named = {name for names in copied for name in names} - {"."}
    assert named <= set(allowed)


def test_nothing_private_is_let_through() -> None:
    allowed = {line[1:].split("/")[0] for line in IGNORED if line.startswith("!")}
    assert not allowed & {".run", ".env", ".git", "tests", "devcluster", "node_modules", ".venv", "bench"}


def test_what_is_let_through_is_enough_to_run_and_to_collect_static_files(tmp_path: Path) -> None:
    for name in (line[1:] for line in IGNORED if line.startswith("!")):
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (PROJECT / name).exists():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            shutil.copy(PROJECT / name, tmp_path / name)
    shutil.rmtree(tmp_path / "hyperpod_site" / "stack")
    (tmp_path / "node_modules").symlink_to(PROJECT / "node_modules")
    collect = next(rest for word, rest in instructions(TEXT) if word == "RUN" and "collectstatic" in rest)
    done = subprocess.run(
        ["sh", "-ec", collect.replace("/venv/bin/python", sys.executable)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    collected = {path.name for path in (tmp_path / "staticfiles").rglob("*")}
    assert {"live.js", "tabler.min.css", "htmx-2.min.js"} <= collected


@pytest.mark.parametrize("script", ["deploy/run.sh", "deploy/find-compose.sh"])
def test_scripts_are_whole_and_can_be_run(script: str) -> None:
    shell = "bash" if "bash" in (PROJECT / script).read_text().split("\n")[0] else "sh"
    assert subprocess.run([shell, "-n", script], cwd=PROJECT).returncode == 0
    assert (PROJECT / script).stat().st_mode & 0o111


def test_an_unknown_process_is_refused() -> None:
    done = subprocess.run(["sh", "deploy/run.sh", "webb"], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 64 and "usage" in done.stderr
