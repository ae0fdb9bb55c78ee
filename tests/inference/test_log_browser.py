"""A pod's panel and log in a real Chromium: over the list, across a cut socket, paused, searched, small."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from apps.accounts.models import User
from apps.inference.selectors import pods
from apps.live.logs import followers
from tests.inference.real import Place, make_place
from tests.live.conftest import session_of
from tests.live.test_browser import PATIENCE, Server, chromium
from tests.processes import Devcluster, until

__all__ = ["chromium"]
LEFT_LOG = re.compile(r'"leave":\["[^]]*log')
pytestmark = [
    pytest.mark.browser,
    pytest.mark.devcluster,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def place(transactional_db: None, devcluster: Devcluster, alice: User) -> Iterator[Place]:
    """A deployed model."""
    made = make_place(devcluster)
    made.deploy(alice, name="chat")
    made.look()
    yield made
    followers.stop_all()
    made.clear()


@pytest.fixture
def server(chromium: Browser, transactional_db: None) -> Iterator[Server]:
    made = Server()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def page(chromium: Browser, server: Server, place: Place, bob: User) -> Iterator[Page]:
    """A viewer on the pods list; anything that the console complains of fails the test."""
    context = chromium.new_context()
    cookie = {"name": django_settings.SESSION_COOKIE_NAME, "value": session_of(bob), "url": server.url}
    context.add_cookies([cookie])  # type: ignore[list-item]  # a plain dict is what it takes
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(server.url + reverse("inference:pod_list", args=[place.cluster.slug]))
    yield opened
    context.close()
    assert [text for text in complaints if not re.search("WebSocket|CONNECTION_REFUSED", text)] == []


def ask(place: Place, times: int) -> None:
    """Have the model's server write lines."""
    name = pods.pods(place.cluster.pk, namespace=place.namespace)[0].name
    for _number in range(times):
        with place.outside.proxy(
            "pods", name, 8000, "v1/models", namespace=place.namespace, method="GET"
        ) as answer:
            answer.read()


def open_log(page: Page) -> Any:
    page.locator("a[data-panel]").first.click()
    page.locator("#side-panel a", has_text="Log").click()
    lines = page.locator("#side-panel .log-line")
    expect(lines.nth(3)).to_be_visible(timeout=PATIENCE)
    return lines


def texts(page: Page) -> list[str]:
    return page.locator(".log-line").all_text_contents()


def test_the_log_goes_on_after_the_server_was_away(page: Page, server: Server, place: Place) -> None:
    lines = open_log(page)
    ask(place, 5)
    expect(page.locator("#live-state")).to_contain_text("live ·", timeout=PATIENCE)
    server.stop()
    expect(page.locator("#live-state")).to_contain_text("connecting", timeout=PATIENCE)
    ask(place, 20)
    before = lines.count()
    server.start()
    page.wait_for_function(
        "n => document.querySelectorAll('.log-line').length >= n + 20", arg=before, timeout=30_000
    )
    kept = list(place.outside.logs(one_pod(place), namespace=place.namespace))
    assert len(texts(page)) == len(kept)
    assert all(line.decode() in shown for line, shown in zip(kept, texts(page), strict=True))


def one_pod(place: Place) -> str:
    return pods.pods(place.cluster.pk, namespace=place.namespace)[0].name


def test_the_panel_opens_over_the_list_and_escape_closes_it(page: Page, place: Place) -> None:
    home = page.url
    said: list[str] = []
    page.on("websocket", lambda opened: opened.on("framesent", lambda text: said.append(str(text))))
    page.reload()
    open_log(page)
    assert "/pods/" in page.url and page.url != home
    expect(page.locator("tbody tr").first).to_be_attached()
    page.keyboard.press("Escape")
    expect(page.locator("#side-panel h2")).to_have_count(0)
    assert page.url == home
    until(lambda: page.title() and any(LEFT_LOG.search(text) for text in said), what="the log to be left")


def test_pause_search_and_window(page: Page, place: Place) -> None:
    lines = open_log(page)
    page.get_by_role("button", name="Pause").click()
    shown = page.locator(".log-line:visible").count()
    ask(place, 3)
    expect(page.locator("[data-log-more]")).to_contain_text("new lines", timeout=PATIENCE)
    assert page.locator(".log-line:visible").count() == shown
    page.locator("[data-log-more]").click()
    expect(page.locator(".log-line[hidden]")).to_have_count(0)
    page.locator("[data-log-search]").fill("uvicorn running")
    expect(page.locator(".log-hit")).to_have_count(1)
    expect(page.locator("[data-log-found]")).to_have_text("1 lines")
    expect(lines.first).to_have_attribute("data-n", "1")
