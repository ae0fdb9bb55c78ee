"""One whole stack and one Chromium for all journeys; every window fails its test on a complaint."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from hyperpod_site.stack.environment import REPLACEABLE
from hyperpod_site.stack.services import throwaway_folder
from hyperpod_site.stack.stack import Stack
from tests.browser.hands import Hand, Keyboard, Mouse
from tests.browser.windows import PATIENCE, Window
from tests.chromium import chromium
from tests.outages.portal import Portal
from tests.smoke.people import Person

DEVCLUSTER = ("--nodes", "4", "--gpus-per-node", "8", "--lag", "0.2", "--startup", "0.5", "--quiet")
PEOPLE = ("alice", "bob", "root")
WAYS = ("mouse", "keyboard")
LOOKS: dict[str, dict[str, Any]] = {
    "mouse": {"width": 1440, "scheme": "light"},
    "keyboard": {"width": 800, "scheme": "dark"},
}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """All journeys on one worker, so that one stack is started at most."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))
    yield


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """The portal with all its processes and services of its own, not those of the other tests."""
    with throwaway_folder() as folder, pytest.MonkeyPatch.context() as shell:
        for name in REPLACEABLE:
            shell.delenv(name, raising=False)
        stack = Stack(folder, devcluster_options=DEVCLUSTER, with_aws=False)
        stack.environment["PORTAL_API_RATE"] = "100000/m"
        with stack:
            yield stack


@pytest.fixture(scope="package")
def people(stack: Stack) -> dict[str, Person]:
    """alice (operator), bob (viewer) and root (admin), logged in."""
    return {name: Person(stack.url, name, seconds=90) for name in PEOPLE}


@pytest.fixture(scope="package")
def portal(stack: Stack, people: dict[str, Person]) -> Portal:
    """The stack with a pool of three ready pods, its businesses production and testing, and an API to ask."""
    portal = Portal(stack, people["alice"], people["bob"])
    portal.recovered()
    portal.make_pool(replicas=3)
    return portal


@pytest.fixture
def pod(portal: Portal) -> str:
    """A pod of the pool that nobody has."""
    name = min(portal.pods())
    portal.lent(name, "unassigned")
    return name


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with chromium() as found:
        yield found


@pytest.fixture
def window(portal: Portal, people: dict[str, Person], browser: Browser) -> Iterator[Callable[..., Window]]:
    """Opens a browser: `window("alice", width=800, scheme="dark")`; `window("")` is a stranger's."""
    opened: list[Window] = []

    def make(name: str, **options: Any) -> Window:
        opened.append(Window(browser, portal.stack.url, people.get(name), **options))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@dataclass(frozen=True)
class Way:
    """How a journey is walked: with the mouse on a wide bright screen, or by keys on a small dark one."""

    name: str
    window: Callable[..., Window]

    def come(self, person: str) -> Window:
        """A person's window; "" is a stranger's."""
        return self.window(person, **LOOKS[self.name])

    def open(self, person: str, path: str) -> tuple[Page, Hand]:
        """A person's page that is live, and their hand on it."""
        page = self.come(person).open(path)
        return page, self.hand(page)

    def hand(self, page: Page) -> Hand:
        return Mouse() if self.name == "mouse" else Keyboard(page)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, window: Callable[..., Window]) -> Way:
    return Way(request.param, window)
