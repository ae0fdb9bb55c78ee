"""What others do arrives while somebody is in the middle of something, and leaves that alone."""

from playwright.sync_api import expect

from tests.browser.conftest import Way
from tests.outages.portal import Portal

HALF = "vllm serve Qwen/Qw"
CARET = "node => [node.selectionStart, node.selectionEnd]"


def test_a_push_changes_no_select_in_use(way: Way, portal: Portal, pod: str) -> None:
    other = max(portal.pods())
    portal.lent(other, "unassigned")
    page, hand = way.open("alice", "/c/demo/pods/?app=pool")
    select = page.locator(f"tr[data-pod='{pod}'] select")
    hand.choose(select, "testing")
    expect(select).to_have_value("testing")
    handle = select.element_handle()  # only now is it in use: before, a late push may replace it
    assert handle is not None
    for name in (other, pod):
        portal.lent(name, "production")
    expect(page.locator(f"tr[data-pod='{other}'] select")).to_have_value("production")
    assert handle.evaluate("node => node.isConnected && node.value") == "testing"
    select.select_option("unassigned")
    page.locator("h1").click()
    expect(page.locator(f"tr[data-pod='{pod}'] select")).to_have_value("production")


def test_a_push_changes_no_half_typed_form(way: Way, portal: Portal, pod: str) -> None:
    page, hand = way.open("alice", "/c/demo/deploy/?show=pods")
    command = page.get_by_label("Command")
    hand.fill(command, HALF)
    command.focus()
    page.keyboard.press("ArrowLeft")
    portal.lent(pod, "testing")
    expect(page.locator("#app-status tr", has_text=pod)).to_contain_text("testing")
    expect(command).to_have_value(HALF)
    expect(command).to_be_focused()
    assert command.evaluate(CARET) == [len(HALF) - 1] * 2
