"""People, clients and far sides of the wire for every test."""

import gc
from collections.abc import Callable, Generator, Iterator

import pytest
from django.conf import settings
from django.template import Template
from django.test import Client, TransactionTestCase, override_settings

from apps.accounts.models import Role, User
from tests import processes
from tests.builders import make_user
from tests.spreading import in_turn, keep_together
from tests.tables import empty_tables

UNWATCHED = Template._render


def pytest_configure(config: pytest.Config) -> None:
    """Logging in is in most tests and its slow hash is Django's own business."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Groups before pytest-xdist writes them into the ids, the order after pytest's own."""
    keep_together(items)
    yield
    items[:] = in_turn(items)


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: the garbage collector need not look through it each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """After a transactional test its rows go, as Django's flush has it, at a hundredth of the work.

    Flush truncates every table, which makes new files for each, and then asks for all permissions again.
    """
    teardown = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = lambda case: empty_tables()
    yield
    TransactionTestCase._fixture_teardown = teardown


@pytest.fixture(scope="session", autouse=True)
def quick_settings() -> Iterator[None]:
    """Real hashes cost half a second per person; listing all static files costs 0.2 s per browser."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(PASSWORD_HASHERS=hashers, WHITENOISE_AUTOREFRESH=True):
        yield


@pytest.fixture(scope="session", autouse=True)
def plain_templates(django_test_environment: None) -> None:
    """Django's own tests keep each template's context; ours read pages, so that nothing need be copied."""
    Template._render = UNWATCHED


@pytest.fixture
def alice(db: None) -> User:
    """An operator."""
    return make_user("alice", Role.OPERATOR)


@pytest.fixture
def bob(db: None) -> User:
    """A viewer."""
    return make_user("bob", Role.VIEWER)


@pytest.fixture
def charlie(db: None) -> User:
    """A person without any role."""
    return make_user("charlie")


@pytest.fixture
def root(db: None) -> User:
    """An admin."""
    return make_user("root", Role.ADMIN, superuser=True)


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """A logged-in browser of that person."""

    def log_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return log_in


@pytest.fixture(scope="session")
def devcluster() -> Iterator[processes.Devcluster]:
    """One development cluster for all tests of a worker; each test uses a namespace of its own."""
    with processes.devcluster(
        "--nodes", "4", "--gpus-per-node", "8", "--lag", "0.2", "--startup", "0.3"
    ) as running:
        yield running
