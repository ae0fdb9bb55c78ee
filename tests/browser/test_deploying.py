"""From a command to pods that are Ready, and a deployment that is cancelled on its way: it finds no GPUs."""

from itertools import count

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Way
from tests.browser.hands import Hand
from tests.outages.portal import Portal

DEPLOY = "/c/demo/deploy/?show=deployments"
COMMAND = "vllm serve Qwen/Qwen3-0.6B --max-model-len 4096"
numbers = count(1)


@pytest.fixture
def name(portal: Portal) -> str:
    """A name that no deployment of the stack has."""
    return f"made-{next(numbers)}"


def order(page: Page, hand: Hand, name: str, *, command: str = COMMAND, replicas: int = 1) -> None:
    """Fill the form and deploy."""
    form = page.locator("#configuration")
    hand.fill(form.get_by_label("Command"), command)
    hand.press(form.get_by_label("Deploy as Model Pool"))
    hand.fill(form.get_by_label("Replicas"), str(replicas))
    hand.press(form.locator("summary"))
    hand.fill(form.get_by_label("Name", exact=True), name)
    expect(page.locator("#command-preview")).to_contain_text("Qwen/Qwen3-0.6B")
    hand.press(form.get_by_role("button", name="Deploy as Model Pool"))
    expect(form).to_contain_text(f"{name} is being deployed.")


def test_a_pool_is_deployed_and_becomes_ready(way: Way, name: str) -> None:
    page, hand = way.open("alice", DEPLOY)
    order(page, hand, name)
    row = page.locator("#app-status tr", has_text=name)
    expect(row).to_contain_text("1/1")
    hand.press(page.get_by_role("link", name="Follow the operation"))
    expect(page.locator("main .badge").first).to_have_text("Succeeded")
    expect(page.locator(".log-line").first).to_be_visible()
    assert page.locator("tbody tr", has_text="Done").count() >= 2


def test_an_operation_is_cancelled_with_a_reason(way: Way, name: str) -> None:
    page, hand = way.open("alice", DEPLOY)
    order(page, hand, name, command=f"{COMMAND} --tensor-parallel-size 8", replicas=6)
    hand.press(page.get_by_role("link", name="Follow the operation"))
    hand.press(page.get_by_role("button", name="Cancel operation"))
    hand.fill(page.get_by_label("Why?"), "The wrong model")
    hand.press(page.get_by_role("button", name="Cancel it"))
    expect(page.locator("main .badge").first).to_have_text("Cancelled")
    expect(page.get_by_role("button", name="Retry")).to_be_enabled()


def test_the_button_says_why_it_is_off_and_what_it_does(way: Way) -> None:
    page, hand = way.open("alice", "/c/demo/deploy/")
    button, why = page.locator("button[name=deploy]"), page.locator("#deploy-why")
    expect(button).to_be_disabled()
    expect(why).to_have_text("Type the command of the engine first.")
    hand.press(page.get_by_role("button", name="SGLang example"))
    expect(button).to_be_enabled()
    expect(page.locator("#command-preview")).to_contain_text("Qwen/Qwen3-0.6B")
    hand.press(page.get_by_label("Deploy as Model Pool"))
    expect(button).to_have_text("Deploy as Model Pool", use_inner_text=True)
    hand.fill(page.get_by_label("Command"), "vllm serve")
    expect(button).to_be_disabled()
    expect(why).to_contain_text("names no model")
