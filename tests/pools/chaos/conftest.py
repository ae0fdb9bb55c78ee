"""`--chaos-steps` and `--chaos-seed` for the long run (`make chaos`)."""

from collections.abc import Iterator

import pytest

from tests import processes
from tests.pools.chaos.ground import OPTIONS
from tests.processes import Devcluster


def pytest_addoption(parser: pytest.Parser) -> None:
    """Read when this folder is named on the command line."""
    parser.addoption("--chaos-steps", type=int, default=1000, help="steps of one long run")
    parser.addoption("--chaos-seed", type=int, default=1, help="its seed")


@pytest.fixture(scope="session")
def chaos_cluster() -> Iterator[Devcluster]:
    """A cluster for these runs alone: their mishaps hit everything on it."""
    with processes.devcluster(*OPTIONS) as running:
        yield running
