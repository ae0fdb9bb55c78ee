"""The board of a pool: cards change columns by mouse, by keys and by menu, for everybody at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Way
from tests.browser.shares import kept, told_of
from tests.browser.test_stale import silent_watcher
from tests.browser.windows import Window
from tests.engine import chat
from tests.outages.portal import Portal

BOARD = "/c/demo/pools/default/pool/"


@pytest.fixture
def pods(portal: Portal) -> list[str]:
    """The pool's pods, all of them free."""
    names = sorted(portal.pods())
    for name in names:
        portal.lent(name, "unassigned")
    return names


def card(page: Page, pod: str) -> Locator:
    return page.locator(f".board-card[data-pod='{pod}']")


def column(page: Page, business: str) -> Locator:
    return page.locator(f".board-column[data-business='{business}']")


def stands(page: Page, pod: str, business: str) -> None:
    """Wait until the pod's card is in that column, as the cluster says, not as the page hopes."""
    expect(column(page, business).locator(f"[data-pod='{pod}'][data-origin='{business}']")).to_be_visible()


def pick_up(page: Page, pod: str, business: str) -> None:
    """Take a card with the mouse and hold it over a column.

    Now and then Chromium begins a drag before the mouse move that Playwright waits for, which then knows of
    no drag and lets the card fall: take it up again.
    """
    for _time in range(5):
        card(page, pod).hover()
        page.mouse.down()
        for _move in ("enter", "over"):
            column(page, business).locator(".board-cards").hover()
        if page.locator(f".board-over[data-business='{business}']").count():
            return
        page.mouse.up()
    raise AssertionError(f"{pod} cannot be dragged")


def drag(page: Page, pod: str, business: str) -> None:
    pick_up(page, pod, business)
    page.mouse.up()


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.closest('.board-card')?.dataset.pod ?? ''"))


def spoken(page: Page) -> Locator:
    return page.locator("#board-says")


def test_a_dragged_card_changes_its_column_for_everybody(way: Way, portal: Portal, pods: list[str]) -> None:
    page, _hand = way.open("alice", BOARD)
    looking, _other = way.open("bob", BOARD)
    drag(page, pods[0], "production")
    for each in (page, looking):
        stands(each, pods[0], "production")
        expect(card(each, pods[0])).to_contain_text("serving")
        expect(column(each, "production")).to_contain_text("1 of 1 Ready")
    assert portal.truth()[pods[0]] == "production"
    expect(looking.locator(".board [draggable], .board button")).to_have_count(0)


def test_several_cards_move_by_keys_alone_and_the_screen_reader_is_told(
    window: Callable[..., Window], pods: list[str]
) -> None:
    page = window("alice", width=800, scheme="dark").open(BOARD)
    page.locator(".pool-tabs a").last.focus()
    page.keyboard.press("Tab")
    assert focused(page) == pods[0]
    for key in ("x", "ArrowDown", "x"):
        page.keyboard.press(key)
    expect(spoken(page)).to_have_text(f"{pods[1]} selected")
    page.keyboard.press("Space")
    expect(spoken(page)).to_contain_text("2 pods picked up, in free")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(spoken(page)).to_have_text("Over testing")
    page.keyboard.press("Enter")
    stands(page, pods[0], "testing")
    stands(page, pods[1], "testing")
    assert focused(page) == pods[1]


def test_escape_puts_a_picked_up_card_back(window: Callable[..., Window], pods: list[str]) -> None:
    page = window("alice").open(BOARD)
    card(page, pods[0]).locator(".board-grip").focus()
    for key in ("Space", "ArrowRight", "Escape"):
        page.keyboard.press(key)
    expect(spoken(page)).to_have_text("Put back")
    expect(page.locator(".board-over, [data-live-hold]")).to_have_count(0)
    expect(column(page, "unassigned").locator(".board-card")).to_have_count(len(pods))


def test_a_refused_card_returns_and_says_why(
    window: Callable[..., Window], portal: Portal, pods: list[str]
) -> None:
    page = window("alice").open(BOARD)
    portal.mishap(kind="answer", verb="patch", resource="pods", status=422, path=pods[0], count=1)
    try:
        drag(page, pods[0], "production")
        expect(page.locator("#toasts .alert-warning")).to_be_visible()
        stands(page, pods[0], "unassigned")
        expect(card(page, pods[0]).locator(".board-why")).not_to_be_empty()
    finally:
        portal.calm()


def test_a_move_that_harms_asks_and_is_done_or_left(
    window: Callable[..., Window], portal: Portal, pods: list[str]
) -> None:
    portal.lent(pods[0], "production")
    page = window("alice").open(BOARD)
    dialog = page.locator("#board-dialog")
    drag(page, pods[0], "testing")
    expect(dialog).to_contain_text("is the last pod that serves production")
    page.keyboard.press("Escape")
    stands(page, pods[0], "production")
    drag(page, pods[0], "testing")
    dialog.get_by_label("Reason").fill("No more need")
    dialog.get_by_role("button", name="Move it all the same").click()
    stands(page, pods[0], "testing")


def test_the_moves_of_others_arrive_while_a_card_is_held(
    window: Callable[..., Window], portal: Portal, pods: list[str]
) -> None:
    page = window("alice").open(BOARD)
    pick_up(page, pods[0], "production")
    portal.lent(pods[1], "testing")
    stands(page, pods[1], "testing")
    expect(card(page, pods[0])).to_have_attribute("data-live-hold", "")
    column(page, "production").locator(".board-cards").hover()
    page.mouse.up()
    stands(page, pods[0], "production")


def test_a_drained_move_is_chosen_from_the_menu_shown_on_the_card_and_cancelled(
    window: Callable[..., Window], portal: Portal, pods: list[str]
) -> None:
    portal.lent(pods[0], "production")
    portal.lent(pods[1], "production")
    page = window("alice").open(BOARD)
    with talking(portal, pods[0]):
        card(page, pods[0]).get_by_role("button", name="Move").click()
        page.get_by_label("To", exact=True).select_option("testing")
        page.get_by_label("Drained", exact=True).check()
        page.locator("#board-dialog").get_by_role("button", name="Move", exact=True).click()
        expect(card(page, pods[0])).to_contain_text("→ testing")
        expect(column(page, "production").locator(f"[data-pod='{pods[0]}']")).to_contain_text("draining")
        card(page, pods[0]).get_by_role("button", name="Cancel").click()
        stands(page, pods[0], "production")
    assert portal.truth()[pods[0]] == "production"


def test_what_somebody_selected_survives_a_push(
    window: Callable[..., Window], portal: Portal, pods: list[str]
) -> None:
    page = window("alice").open(BOARD)
    card(page, pods[0]).locator(".board-grip").click(modifiers=["Control"])
    portal.lent(pods[0], "testing")
    stands(page, pods[0], "testing")
    expect(card(page, pods[0]).locator("[aria-pressed=true]")).to_be_visible()
    assert focused(page) == pods[0]


def test_the_board_of_a_silent_cluster_moves_nothing_and_says_why(
    window: Callable[..., Window], portal: Portal, pods: list[str]
) -> None:
    page = window("alice").page
    mine = card(page, pods[0])
    with silent_watcher(portal.stack):
        page.goto(BOARD)
        expect(page.locator(".freshness")).to_contain_text("showing what it said then")
        expect(mine.get_by_role("button", name="Move")).to_be_disabled()
        mine.drag_to(column(page, "production"))
        expect(page.locator("#toasts")).to_contain_text("Cluster unreachable since")
        for key in ("Space", "m"):
            mine.locator(".board-grip").press(key)
        expect(page.locator("[data-live-hold], dialog[open]")).to_have_count(0)
    expect(page.locator(".freshness")).to_have_count(0)
    expect(mine.get_by_role("button", name="Move")).to_be_enabled()
    drag(page, pods[0], "production")
    stands(page, pods[0], "production")


def ask_to_move(way: Way, page: Page, pod: str, business: str) -> Locator:
    """Drag the card, or choose from the menu of its key; returns the dialog."""
    dialog = page.locator("#board-dialog")
    if way.name == "mouse":
        drag(page, pod, business)
        return dialog
    hand = way.hand(page)
    card(page, pod).locator(".board-grip").press("m")
    hand.choose(dialog.get_by_label("To", exact=True), business)
    hand.press(dialog.get_by_role("button", name="Move", exact=True))
    return dialog


def test_a_move_against_the_shares_asks_and_does_as_was_answered(
    way: Way, portal: Portal, pods: list[str]
) -> None:
    for pod in pods[:2]:
        portal.lent(pod, "production")
    with kept(portal, production=2):
        page, hand = way.open("alice", BOARD)
        dialog = ask_to_move(way, page, pods[0], "testing")
        expect(dialog).to_contain_text("keeps this pool's shares")
        if way.name == "mouse":
            hand.press(dialog.get_by_label("Change the shares"))
        else:
            hand.fill(dialog.get_by_label("Minutes of the exception"), "5")
        hand.press(dialog.get_by_role("button", name="Move", exact=True))
        stands(page, pods[0], "testing")
        told = told_of(portal)
    answered = (told.counts["production"], pods[0] in told.excepted)
    assert answered == ((1, False) if way.name == "mouse" else (2, True))


@contextmanager
def talking(portal: Portal, pod: str) -> Iterator[None]:
    """Somebody's long stream from the pod, inside the block."""
    with chat(portal.outside, pod, namespace="default", tokens=4000) as answer:
        chunks = answer.iter_bytes()
        next(chunks)
        reader = threading.Thread(target=lambda: list(chunks), daemon=True)
        reader.start()
        yield
    reader.join(20)
