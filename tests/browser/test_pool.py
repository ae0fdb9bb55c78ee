"""A pool's stock: shared out by ratio and taken back, scaled with a preview of who goes."""

import re
from collections import Counter

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Way
from tests.browser.hands import Hand
from tests.browser.shares import kept, told_of
from tests.outages.portal import Portal
from tests.processes import until

POOL = "/c/demo/pools/default/pool/"
PODS = 3


def free(portal: Portal) -> None:
    """Nobody has a pod."""
    for name in portal.truth():
        portal.lent(name, "unassigned")


def part(page: Page, business: str) -> Locator:
    return page.locator(f"input[name='weight-{business}']")


def succeeded(page: Page) -> None:
    page.wait_for_url(re.compile(r"/operations/\d+/"))
    expect(page.locator("main .badge").first).to_have_text("Succeeded")


def plan_to_share_out(page: Page, hand: Hand) -> Locator:
    """Ask for one part each for production, testing and the free stock; returns the plan."""
    hand.press(page.get_by_role("link", name="Distribute"))
    for business in ("production", "testing", "unassigned"):
        hand.fill(part(page, business), "1")
    return page.locator("#distribute-answer")


def share_out(page: Page, hand: Hand) -> None:
    """Do so with free pods."""
    plan = plan_to_share_out(page, hand)
    expect(plan.locator("tr", has_text="production")).to_contain_text("+1")
    expect(plan).to_contain_text("2 pods move")
    hand.press(plan.get_by_role("button", name="Distribute"))


def ask_to_undo(page: Page, hand: Hand) -> None:
    """To the page of the newest change's undoing."""
    page.goto(POOL)
    hand.press(page.get_by_role("link", name="History"))
    hand.press(page.get_by_role("link", name=re.compile("Undo")).first)


@pytest.mark.parametrize("way", ["keyboard"], indirect=True)
def test_pods_are_shared_out_by_ratio_and_taken_back(way: Way, portal: Portal) -> None:
    free(portal)
    page, hand = way.open("alice", POOL)
    share_out(page, hand)
    succeeded(page)
    assert Counter(portal.truth().values()) == {"production": 1, "testing": 1, "unassigned": 1}
    ask_to_undo(page, hand)
    hand.fill(page.get_by_label("Reason"), "Only tried")
    hand.press(page.get_by_role("button", name="Undo"))
    succeeded(page)
    assert set(portal.truth().values()) == {"unassigned"}


@pytest.mark.parametrize("way", ["mouse"], indirect=True)
def test_sharing_out_and_undoing_against_the_shares_ask_and_do_as_was_answered(
    way: Way, portal: Portal, pod: str
) -> None:
    free(portal)
    for name in set(portal.truth()) - {pod}:
        portal.lent(name, "production")
    with kept(portal, production=2):
        page, hand = way.open("alice", POOL)
        plan = plan_to_share_out(page, hand)
        expect(plan).to_contain_text("keeps this pool's shares")
        hand.press(plan.get_by_label("Change the shares"))
        hand.press(plan.get_by_role("button", name="Distribute"))
        succeeded(page)
        moved = next(name for name, business in portal.truth().items() if business == "testing")
        told = told_of(portal)
        assert told.counts["production"] == 1 and moved not in told.excepted
        ask_to_undo(page, hand)
        expect(page.locator("main")).to_contain_text("keeps this pool's shares")
        hand.fill(page.get_by_label("Minutes of the exception"), "5")
        hand.press(page.get_by_role("button", name="Undo"))
        succeeded(page)
        told = told_of(portal)
        assert told.counts["production"] == 1 and moved in told.excepted
        assert Counter(portal.truth().values()) == {"production": 2, "unassigned": 1}


def scale(page: Page, hand: Hand, replicas: int) -> Locator:
    """Ask for the preview of a scale; returns it."""
    page.goto(POOL)
    hand.press(page.get_by_role("button", name="Scale", exact=True).first)
    hand.fill(page.get_by_label("Scale to"), str(replicas))
    hand.press(page.get_by_role("button", name="Preview"))
    return page.locator("#pool-answer")


@pytest.mark.parametrize("way", ["mouse"], indirect=True)
def test_a_pool_grows_and_gives_back_free_pods_only(way: Way, portal: Portal, pod: str) -> None:
    lent = set(portal.truth()) - {pod}
    for name in lent:
        portal.lent(name, "production")
    window = way.come("alice")
    window.accept("status of 422")
    page = window.open(POOL)
    hand = way.hand(page)
    refused = scale(page, hand, 1)
    expect(refused).to_contain_text("Cannot scale down: need 2 unassigned pods, but only 1 available")
    hand.press(scale(page, hand, PODS + 1).get_by_role("button", name="Scale"))
    succeeded(page)
    shown = scale(page, hand, PODS)
    expect(shown).to_contain_text("None of them is lent")
    hand.press(shown.get_by_role("button", name="Scale"))
    succeeded(page)
    until(lambda: len(portal.truth()) == PODS, what="the chosen pod to be gone")
    assert lent < set(portal.truth())
