"""The world of tests/access_table.py, and people in it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest
from django.db import transaction
from django.test import Client

from apps.accounts.models import User
from apps.gateways.connection import from_kubeconfig
from apps.operations.models import Operation
from tests.access_table import an_operation, make_world, move_to
from tests.processes import Devcluster

ClientOf = Callable[[User], Client]


@pytest.fixture
def operation(alice: User) -> Operation:
    """Alice's, queued, on the cluster of `table`."""
    return Operation.objects.get(pk=an_operation()["pk"])


@pytest.fixture
def table(alice: User, bob: User, charlie: User, root: User, devcluster: Devcluster) -> None:
    """Cluster "demo" with deployment "chat" and pool "pool"; the real cluster behind it has neither."""
    make_world()
    move_to(from_kubeconfig(devcluster.portal_kubeconfig))


@pytest.fixture
def operator(table: None, alice: User, client_of: ClientOf) -> Client:
    """Alice's browser; what fails inside is answered, as in production."""
    client = client_of(alice)
    client.raise_request_exception = False
    return client


@pytest.fixture
def undone(request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[None]]:
    """A block whose changes are rolled back, for many requests in one test.

    Not where requests let go of the database, which nothing can roll back.
    """
    mark = request.node.get_closest_marker("django_db")
    return nullcontext if mark.kwargs.get("transaction") else Undone


class Undone(AbstractContextManager[None]):
    """What happens inside is rolled back; it counts as the test's own transaction for durable blocks."""

    def __enter__(self) -> None:
        self.block = transaction.atomic()
        self.block._from_testcase = True
        self.block.__enter__()

    def __exit__(self, *problem: object) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)
