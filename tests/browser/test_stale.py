"""Nobody is led to change a cluster that does not answer."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from playwright.sync_api import expect

from hyperpod_site.stack.programs import Program
from hyperpod_site.stack.stack import Stack
from tests.browser.windows import Window
from tests.outages.portal import Portal
from tests.processes import until

LONG_AGO = "UPDATE live_syncstate SET seen_at = seen_at - interval '1 hour'"


@contextmanager
def silent_watcher(stack: Stack) -> Iterator[None]:
    """Inside the block nothing has been heard of the cluster for an hour."""
    watcher = stack.programs["watcher"]
    try:
        with psycopg.connect(stack.environment["PORTAL_DATABASE_URL"], autocommit=True) as database:
            database.execute("SET lock_timeout = '1s'")
            until(lambda: is_silenced(watcher, database), what="the watcher to stop outside of a transaction")
        yield
    finally:
        watcher.signal(signal.SIGCONT)


def is_silenced(watcher: Program, database: "psycopg.Connection[Any]") -> bool:
    """Stop the watcher and set its clock back; not where it was stopped while it wrote."""
    watcher.signal(signal.SIGSTOP)
    try:
        database.execute(LONG_AGO)
    except psycopg.errors.LockNotAvailable:
        watcher.signal(signal.SIGCONT)
        return False
    return True


def test_what_would_change_a_silent_cluster_is_disabled_and_says_why_until_it_speaks_again(
    window: Callable[..., Window], portal: Portal, pod: str
) -> None:
    page = window("alice").page
    move = page.locator(f"tr[data-pod='{pod}']").get_by_role("button", name="Move")
    with silent_watcher(portal.stack):
        page.goto("/c/demo/pods/?app=pool")
        expect(page.locator(".freshness")).to_contain_text("showing what it said then")
        expect(move).to_be_disabled()
        assert "unreachable" in (move.get_attribute("title") or "")
        expect(page.locator("#frame-cluster")).to_contain_text("not answering since")
        expect(page.locator("#live-state")).to_contain_text("live ·")
        expect(page.locator("#live-state")).to_be_hidden()
    expect(page.locator(".freshness")).to_have_count(0)
    expect(page.locator("#frame-cluster")).to_be_empty()
    expect(page.locator("#live-state")).to_be_visible()
    expect(move).to_be_enabled()
