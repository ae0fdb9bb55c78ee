"""Pods change hands on the Pods page: who lends, who looks on, and who is in the middle of something."""

import re
from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.windows import Window
from tests.outages.portal import Portal
from tests.processes import until

PODS = "/c/demo/pods/?app=pool"
Windows = Callable[..., Window]


def row(page: Page, pod: str) -> Locator:
    return page.locator(f"tr[data-pod='{pod}']")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (800, "dark")])
def test_a_viewer_sees_a_pod_change_hands_and_has_no_controls(
    window: Windows, portal: Portal, pod: str, width: int, scheme: Literal["dark", "light"]
) -> None:
    look = {"width": width, "scheme": scheme}
    looking = row(window("bob", **look).open(PODS), pod)
    expect(looking).to_contain_text("free")
    lending = row(window("alice", **look).open(PODS), pod)
    lending.get_by_role("combobox").select_option("production")
    lending.get_by_role("button", name="Move").click()
    expect(looking.locator(".badge", has_text="production")).to_be_visible()
    expect(lending.get_by_role("combobox")).to_have_value("production")
    expect(lending).to_contain_text("✓")
    expect(looking.locator("select, button, input")).to_have_count(0)
    assert portal.truth()[pod] == "production"


def test_a_pod_changes_hands_by_keyboard_alone(window: Windows, portal: Portal, pod: str) -> None:
    page = window("alice").open(PODS)
    page.keyboard.press("/")
    page.keyboard.type("unassigned")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=unassigned"))
    select = row(page, pod).get_by_role("combobox")
    press_until(page, select)
    page.keyboard.type("test")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    until(lambda: portal.truth()[pod] == "testing", what="the pod to be lent")
    expect(row(page, pod)).to_have_count(0)


def press_until(page: Page, wanted: Locator, *, key: str = "Tab", most: int = 60) -> None:
    """Press the key until that element has the focus."""
    for _press in range(most):
        page.keyboard.press(key)
        if wanted.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError(f"{key} does not reach it")
