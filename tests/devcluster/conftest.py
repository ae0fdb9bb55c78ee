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


KUBECTLS = {"on PATH": ("TEST_KUBECTL", "kubectl"), "of Debian": ("TEST_KUBECTL_OLD", "kubectl1.20")}
"""The clients that are tried: a path from the environment, else a name on PATH."""


@pytest.fixture(params=KUBECTLS)
def kubectl(
    request: pytest.FixtureRequest, devcluster: Devcluster, namespace: str, tmp_path: Path
) -> Kubectl:
    """Each kubectl that is found, with a discovery cache of its own; a missing one is told by a skip."""
    variable, name = KUBECTLS[request.param]
    found = os.environ.get(variable) or shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on PATH and no {variable}: the cluster is not tried with it")

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
