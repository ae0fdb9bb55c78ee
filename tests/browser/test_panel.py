"""A side panel says that it loads, and why it did not, and tries again."""

from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Way
from tests.processes import until

GONE = "/c/demo/pods/default/no-such-pod/"
COMPLAINTS = r"ERR_FAILED|status of 404|htmx:|Response Status Error"


def held(page: Page, path: str) -> Callable[[], Route]:
    """The next request for the path waits until the answer of this is told what becomes of it."""
    waiting: list[Route] = []
    page.route(f"**{path}", lambda route: waiting.append(route))
    return lambda: until(lambda: page.title() and waiting and waiting.pop(), what="the request")


def test_a_panel_says_that_it_loads_and_what_went_wrong_and_tries_again(way: Way, pod: str) -> None:
    window = way.come("bob")
    window.accept(COMPLAINTS)
    page = window.open("/c/demo/pods/?app=pool")
    hand, panel = way.hand(page), page.locator("#side-panel")
    asked = held(page, f"/pods/default/{pod}/")
    hand.press(page.locator(f"tr[data-pod='{pod}'] a[data-panel]"))
    expect(panel.get_by_role("status")).to_have_text("Loading…")
    asked().abort()
    expect(panel.get_by_role("alert")).to_have_text("The portal does not answer. Try again.")
    retry = panel.get_by_role("button", name="Retry")
    expect(retry).to_be_focused()
    hand.press(retry)
    asked().continue_(url=window.url + GONE)
    expect(panel.get_by_role("alert")).to_contain_text("nothing here")
    expect(page.locator("#toasts")).to_be_empty()
    hand.press(panel.get_by_role("button", name="Retry"))
    asked().continue_()
    expect(panel.get_by_role("heading", level=2)).to_have_text(pod)
    expect(panel.get_by_role("alert")).to_have_count(0)
    assert page.url.endswith(f"/pods/default/{pod}/")
