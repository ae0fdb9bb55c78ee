"""The pool that most tests share the shape of: four ready pods, two businesses."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from apps.gateways.connection import from_kubeconfig
from apps.gateways.kubernetes import Kubernetes
from tests.pools.world import OURS, Stage, World, make_stage, world_on
from tests.processes import Devcluster

REAL = os.environ.get("TEST_KUBECONFIG", "")
SETTLE = 0.6
"""Seconds; the tests' clusters lag 0.2 s twice, between a label and the last proxy."""


@pytest.fixture(scope="session", autouse=True)
def quick_proxies() -> Iterator[None]:
    """Drained pods need not wait for slower proxies than those that are there."""
    with override_settings(PORTAL_DRAIN_SETTLE=SETTLE):
        yield


@pytest.fixture(scope="session")
def devcluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Devcluster]:
    """The cluster that TEST_KUBECONFIG names, tidied up at the end; else a development cluster.

    There the given identity is both the portal's and somebody else's with kubectl.
    """
    if not REAL:
        yield request.getfixturevalue("devcluster")
        return
    folder, text = tmp_path_factory.mktemp("cluster"), Path(REAL).read_text()
    for name in ("kubeconfig", "portal.kubeconfig"):
        (folder / name).write_text(text)
    connection = from_kubeconfig(text)
    yield Devcluster(connection.server, folder)
    outside = Kubernetes(connection)
    for item in outside.list("namespaces", label_selector=OURS):
        outside.delete("namespaces", item["metadata"]["name"])


@pytest.fixture(scope="session")
def stage(devcluster: Devcluster) -> Stage:
    """One pool for all tests of a worker."""
    return make_stage(devcluster)


@pytest.fixture
def world(transactional_db: None, stage: Stage) -> World:
    """Four ready, free pods; business services `production` and `testing`."""
    return world_on(stage)
