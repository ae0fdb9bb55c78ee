"""The running development cluster of the session, as its administrator and as the portal."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.devcluster.client import Client
from tests.processes import Devcluster

Kubectl = Callable[..., str]


@pytest.fixture
def admin(devcluster: Devcluster) -> Client:
    return Client(devcluster.folder / "kubeconfig")


@pytest.fixture
def portal(devcluster: Devcluster) -> Client:
    return Client(devcluster.folder / "portal.kubeconfig")


@pytest.fixture
def namespace(admin: Client) -> str:
    """The collection path of a fresh namespace: `/api/v1/namespaces/<name>`."""
    return admin.namespace()


@pytest.fixture
def kubectl(devcluster: Devcluster, namespace: str, tmp_path: Path) -> Kubectl:
    """kubectl as found on PATH, with a discovery cache of its own; skipped where there is none."""
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip("no kubectl on PATH: the cluster is not tried with the real tool")

    def run(*arguments: str, stdin: str = "", check: bool = True) -> str:
        command = [found, "--cache-dir", str(tmp_path / "cache"), "--namespace", namespace, *arguments]
        environment = {
            **os.environ,
            "KUBECONFIG": str(devcluster.folder / "kubeconfig"),
            "HOME": str(tmp_path),
        }
        done = subprocess.run(
            command, input=stdin, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout + done.stderr

    return run
