"""Pods change hands on the Pods page: who lends, and who looks on."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Way
from tests.outages.portal import Portal

PODS = "/c/demo/pods/?app=pool"


def row(page: Page, pod: str) -> Locator:
    return page.locator(f"tr[data-pod='{pod}']")


def test_a_viewer_sees_a_pod_change_hands_and_has_no_controls(way: Way, portal: Portal, pod: str) -> None:
    looking = row(way.open("bob", PODS)[0], pod)
    expect(looking).to_contain_text("free")
    page, hand = way.open("alice", PODS)
    lending = row(page, pod)
    hand.choose(lending.get_by_role("combobox"), "production")
    hand.press(lending.get_by_role("button", name="Move"))
    expect(looking.locator(".badge", has_text="production")).to_be_visible()
    expect(lending.get_by_role("combobox")).to_have_value("production")
    expect(lending).to_contain_text("✓")
    expect(lending.get_by_role("button", name="Move")).to_be_focused()
    expect(looking.locator("select, button, input")).to_have_count(0)
    assert portal.truth()[pod] == "production"


def test_a_page_of_two_keys_is_found_and_filtered_by_keyboard(way: Way, pod: str) -> None:
    page, _hand = way.open("bob", "/c/demo/")
    page.keyboard.type("gp")
    page.wait_for_url("**/pods/")
    page.keyboard.press("/")
    page.keyboard.type(pod)
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-pod]")).to_have_count(1)
    expect(row(page, pod)).to_be_visible()
