"""What stands around every page: theme, keys, menu, and the copy buttons."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Way
from tests.browser.windows import Window

FITS = "[...document.querySelectorAll('.table-responsive')].every(box => box.scrollWidth <= box.clientWidth)"
NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', {value: undefined})"


def test_the_theme_stays_chosen_and_the_menu_leads_on(way: Way) -> None:
    page, hand = way.open("bob", "/c/demo/")
    before = page.locator("html").get_attribute("data-bs-theme")
    hand.press(page.get_by_role("button", name="Light or dark"))
    page.reload()
    expect(page.locator("html")).not_to_have_attribute("data-bs-theme", str(before))
    menu = page.get_by_role("button", name="Menu")
    if menu.is_visible():
        hand.press(menu)
    hand.press(page.locator("#sidebar").get_by_role("link", name="Nodes & GPUs"))
    page.wait_for_url("**/nodes/")


def test_the_list_of_keys_opens_and_closes(way: Way) -> None:
    page, hand = way.open("bob", "/c/demo/")
    hand.press(page.get_by_role("button", name="Keyboard shortcuts"))
    expect(page.get_by_role("dialog")).to_contain_text("Go to the filter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_lists_fit_into_800_pixels(window: Callable[..., Window], pod: str) -> None:
    page = window("alice", width=800).page
    for path in ("pods", "services", "deployments", "nodes"):
        page.goto(f"/c/demo/{path}/")
        expect(page.locator("tbody tr").first).to_be_visible()
        assert page.evaluate(FITS), path


def copied(page: Page) -> str:
    """What is pasted into the page's filter now."""
    page.keyboard.press("Escape")
    page.locator("#q").focus()
    page.keyboard.press("Control+A")
    page.keyboard.press("Control+V")
    return page.locator("#q").input_value()


def test_a_name_is_copied_with_and_without_a_clipboard(way: Way, pod: str) -> None:
    for script in ("", NO_CLIPBOARD):
        window = way.come("bob")
        window.context.add_init_script(script or "void 0")
        page = window.open("/c/demo/pods/?app=pool")
        hand = way.hand(page)
        hand.press(page.locator(f"tr[data-pod='{pod}'] a[data-panel]"))
        hand.press(page.get_by_role("button", name="Copy name"))
        expect(page.locator("#toasts")).to_have_text(re.compile("Copied"))
        assert copied(page) == pod


def test_a_portal_that_is_away_is_said_once_and_the_page_goes_on(way: Way) -> None:
    window = way.come("alice")
    window.accept("ERR_INTERNET_DISCONNECTED|htmx:(sendError|afterRequest)")
    page = window.open("/c/demo/deploy/")
    hand = way.hand(page)
    tab = page.get_by_role("link", name="Service Configuration")
    page.context.set_offline(True)
    for _time in range(2):
        hand.press(tab)
        expect(page.locator("#toasts")).to_have_text("The portal does not answer. Try again.")
    page.context.set_offline(False)
    hand.press(tab)
    expect(page.locator("#service-form")).to_be_visible()
