"""Tests that share something dear are sent to one worker: pytest-xdist does that by the end of their ids."""

import os

import pytest


@pytest.mark.xdist_group("kept-together")
def test_a_group_stands_in_the_id_of_its_tests(request: pytest.FixtureRequest) -> None:
    spread = "PYTEST_XDIST_WORKER" in os.environ
    assert request.node.nodeid.endswith("@kept-together") == spread
