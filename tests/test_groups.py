"""Tests that share something dear are sent to one worker: pytest-xdist does that by the end of their ids."""

import os

import pytest

SPREAD = "PYTEST_XDIST_WORKER" in os.environ


@pytest.fixture(scope="module")
def dear() -> str:
    """What takes long to make."""
    return "made once"


@pytest.mark.xdist_group("kept-together")
def test_a_group_stands_in_the_id_of_its_tests(request: pytest.FixtureRequest) -> None:
    assert request.node.nodeid.endswith("@kept-together") == SPREAD


def test_a_module_that_makes_something_once_is_a_group(request: pytest.FixtureRequest, dear: str) -> None:
    assert request.node.nodeid.endswith("@test_groups") == SPREAD
