"""The pool that most tests share the shape of: four ready pods, two businesses."""

from collections.abc import Iterator

import pytest
from django.test import override_settings

from tests.pools.world import Stage, World, make_stage, world_on
from tests.processes import Devcluster

SETTLE = 0.6
"""Seconds; the tests' clusters lag 0.2 s twice, between a label and the last proxy."""


@pytest.fixture(scope="session", autouse=True)
def quick_proxies() -> Iterator[None]:
    """Drained pods need not wait for slower proxies than those that are there."""
    with override_settings(PORTAL_DRAIN_SETTLE=SETTLE):
        yield


@pytest.fixture(scope="session")
def stage(devcluster: Devcluster) -> Stage:
    """One pool for all tests of a worker."""
    return make_stage(devcluster)


@pytest.fixture
def world(transactional_db: None, stage: Stage) -> World:
    """Four ready, free pods; business services `production` and `testing`."""
    return world_on(stage)
