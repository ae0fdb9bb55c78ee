"""A pod's log in the side panel goes on across a cut socket."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Way
from tests.browser.wire import Wire
from tests.outages.portal import Portal
from tests.processes import until


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
