"""The pool that most tests share the shape of: four ready pods, two businesses."""

import pytest

from tests.pools.world import Stage, World, make_stage, world_on
from tests.processes import Devcluster


@pytest.fixture(scope="session")
def stage(devcluster: Devcluster) -> Stage:
    """One pool for all tests of a worker."""
    return make_stage(devcluster)


@pytest.fixture
def world(transactional_db: None, stage: Stage) -> World:
    """Four ready, free pods; business services `production` and `testing`."""
    return world_on(stage)
