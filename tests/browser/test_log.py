"""A pod's log in the side panel: across a cut socket and another web process, paused, searched, left."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Way
from tests.browser.windows import Window
from tests.browser.wire import Wire
from tests.outages.portal import Portal
from tests.processes import until

LEFT_LOG = re.compile(r'"leave":\["[^]]*log')


def ask(portal: Portal, pod: str, times: int) -> None:
    """Have the pod's model server write a line each."""
    for _time in range(times):
        with portal.outside.proxy("pods", pod, 8000, "v1/models", namespace="default", method="GET") as one:
            one.read()


def shown(page: Page) -> list[str]:
    return page.locator("#side-panel .log-line > span").all_text_contents()


def written(portal: Portal, pod: str) -> list[str]:
    """The log as the cluster has it."""
    return [line.decode().rstrip("\n") for line in portal.outside.logs(pod, namespace="default")]


def opened(page: Page, pod: str) -> Locator:
    """Open the pod's log with the mouse; its lines, once there are some."""
    page.locator(f"tr[data-pod='{pod}'] a[data-panel]").click()
    page.locator("#side-panel").get_by_role("link", name="Log").click()
    lines = page.locator("#side-panel .log-line")
    expect(lines.nth(3)).to_be_visible()
    return lines


def test_a_log_is_followed_across_a_cut_socket(way: Way, portal: Portal, pod: str) -> None:
    window = way.come("bob")
    wire = Wire(window.context)
    page = window.open("/c/demo/pods/?app=pool")
    hand, opener = way.hand(page), page.locator(f"tr[data-pod='{pod}'] a[data-panel]")
    hand.press(opener)
    hand.press(page.locator("#side-panel").get_by_role("link", name="Log"))
    ask(portal, pod, 3)
    until(lambda: shown(page) == written(portal, pod), every=0.2, what="the same lines")
    wire.cut(page)
    before = len(shown(page))
    ask(portal, pod, 20)
    wire.mend()
    window.is_live()
    until(lambda: shown(page) == written(portal, pod), every=0.2, what="no line lost, none doubled")
    assert len(shown(page)) >= before + 20
    page.keyboard.press("Escape")
    expect(page.locator("#side-panel h2")).to_have_count(0)
    expect(opener).to_be_focused()


def test_a_log_goes_on_in_another_web_process(
    window: Callable[..., Window], portal: Portal, pod: str, request: pytest.FixtureRequest
) -> None:
    bob, web = window("bob"), portal.stack.programs["web"]
    bob.accept(r"WebSocket|ERR_CONNECTION_REFUSED|object Event")  # as it finds nobody there
    page = bob.open("/c/demo/pods/?app=pool")
    opened(page, pod)
    web.kill()
    request.addfinalizer(web.wait_ready)
    request.addfinalizer(lambda: None if web.running else web.start())
    expect(page.locator("#live-state")).to_contain_text("connecting")
    ask(portal, pod, 20)
    web.start()
    until(lambda: shown(page) == written(portal, pod), every=0.2, what="no line lost, none doubled")


def test_an_open_log_has_its_own_address_and_escape_leaves_it(
    window: Callable[..., Window], portal: Portal, pod: str
) -> None:
    page = window("bob").page
    said: list[str] = []
    page.on("websocket", lambda one: one.on("framesent", lambda text: said.append(str(text))))
    page.goto("/c/demo/pods/?app=pool")
    home = page.url
    opened(page, pod)
    assert page.url.endswith(f"/pods/default/{pod}/?tab=log")
    expect(page.locator("tbody tr").first).to_be_attached()
    page.keyboard.press("Escape")
    expect(page.locator("#side-panel h2")).to_have_count(0)
    assert page.url == home
    until(lambda: page.title() and any(LEFT_LOG.search(text) for text in said), what="the log to be left")


def test_a_log_is_paused_searched_and_numbered(
    window: Callable[..., Window], portal: Portal, pod: str
) -> None:
    page = window("bob").open("/c/demo/pods/?app=pool")
    lines = opened(page, pod)
    page.get_by_role("button", name="Pause").click()
    visible = page.locator(".log-line:visible").count()
    ask(portal, pod, 3)
    expect(page.locator("[data-log-more]")).to_contain_text("new lines")
    assert page.locator(".log-line:visible").count() == visible
    page.locator("[data-log-more]").click()
    expect(page.locator(".log-line[hidden]")).to_have_count(0)
    page.locator("[data-log-search]").fill("uvicorn running")
    expect(page.locator(".log-hit")).to_have_count(1)
    expect(page.locator("[data-log-found]")).to_have_text("1 lines")
    expect(lines.first).to_have_attribute("data-n", "1")
