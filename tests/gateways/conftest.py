"""A cluster for the contract tests: the development cluster, and a real one that TEST_KUBECONFIG names."""

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from apps.gateways.connection import from_kubeconfig
from apps.gateways.errors import NotFound
from apps.gateways.kubernetes import Kubernetes

REAL = os.environ.get("TEST_KUBECONFIG", "")
Named = Callable[[str], str]


@dataclass(frozen=True)
class Cluster:
    """`portal` has the portal's own rights, `admin` all; on a real cluster both are the given identity."""

    portal: Kubernetes
    admin: Kubernetes
    namespace: str
    real: bool

    def misbehave(self, **mishap: Any) -> None:
        """Let the development cluster go wrong: see devcluster/mishaps.py."""
        self.admin.transport.request("POST", "/devcluster/mishaps", body=mishap)

    def behave(self) -> None:
        self.admin.transport.request("DELETE", "/devcluster/mishaps")


@pytest.fixture(scope="module", params=["devcluster", *(["real"] if REAL else [])])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A cluster with a namespace of this module's own, removed at the end."""
    real = request.param == "real"
    if real:
        admin = portal = Kubernetes(from_kubeconfig(Path(REAL).read_text()))
    else:
        running = request.getfixturevalue("devcluster")
        admin = Kubernetes(from_kubeconfig(running.admin_kubeconfig))
        portal = Kubernetes(from_kubeconfig(running.portal_kubeconfig))
    namespace = f"portal-contract-{uuid.uuid4().hex[:8]}"
    admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    try:
        yield Cluster(portal, admin, namespace, real)
    finally:
        admin.delete("namespaces", namespace)


@pytest.fixture
def only_devcluster(cluster: Cluster) -> Iterator[Cluster]:
    """For what only the development cluster offers: its model servers and its mishaps."""
    if cluster.real:
        pytest.skip("needs the development cluster's model servers or mishaps")
    yield cluster
    cluster.behave()


def gone(client: Kubernetes, resource: str, name: str, namespace: str) -> bool:
    """Whether the object does not exist."""
    try:
        client.get(resource, name, namespace=namespace)
    except NotFound:
        return True
    return False
