"""One stack for all outages; each test leaves it well."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperpod_site.stack.environment import REPLACEABLE
from hyperpod_site.stack.services import throwaway_folder
from hyperpod_site.stack.stack import Stack, free_port
from tests.outages.portal import STRANGER, Portal
from tests.smoke.people import Person


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """Services and processes of its own: they are to be stopped."""
    with throwaway_folder() as folder, pytest.MonkeyPatch.context() as shell:
        for name in REPLACEABLE:
            shell.delenv(name, raising=False)
        options = cluster_options(folder)
        stack = Stack(folder, devcluster_options=options, with_aws=False)
        stack.environment["PORTAL_API_RATE"] = "100000/m"
        with stack:
            yield stack


def cluster_options(folder: Path) -> list[str]:
    """A quick cluster on a port that it keeps, which knows somebody without rights."""
    tokens = folder / "tokens.csv"
    tokens.write_text(f"{STRANGER},stranger,1\n")
    options = ["--lag", "0.2", "--startup", "0.2", "--quiet", "--nodes", "2", "--tokens", str(tokens)]
    return [*options, "--port", str(free_port())]


@pytest.fixture(scope="package")
def standing(stack: Stack) -> Portal:
    """A pool of two ready pods with two businesses."""
    portal = Portal(stack, *(Person(stack.url, name, seconds=90) for name in ("alice", "bob")))
    portal.recovered()
    portal.make_pool(replicas=2)
    return portal


@pytest.fixture
def portal(standing: Portal) -> Iterator[Portal]:
    """The stack, well before and after."""
    before = standing.processes()
    yield standing
    standing.calm()
    standing.recovered()
    assert standing.processes() == before, "a process of the portal had to be started again"
