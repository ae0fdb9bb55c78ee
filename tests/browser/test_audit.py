"""An admin's question, who did what to this pod, answered from the audit and taken home as a file."""

import csv
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Way
from tests.outages.portal import Portal


def test_an_entry_is_found_by_filter_and_exported(way: Way, portal: Portal, pod: str, tmp_path: Path) -> None:
    portal.lent(pod, "testing")
    page, hand = way.open("root", "/audit/")
    hand.fill(page.get_by_label("Person"), "alice")
    hand.choose(page.get_by_label("Action"), "Assign pod")
    hand.fill(page.get_by_label("Object"), pod)
    hand.press(page.get_by_role("button", name="Filter"))
    page.wait_for_url("**object=**")
    rows = page.locator("#audit-entries tbody tr")
    expect(rows.first).to_contain_text(pod)
    with page.expect_download() as download:
        hand.press(page.get_by_role("link", name="CSV"))
    download.value.save_as(tmp_path / "audit.csv")
    found = list(csv.DictReader((tmp_path / "audit.csv").read_text().splitlines()))
    assert len(found) == rows.count()
    assert all(pod in str(line) and "alice" in str(line) for line in found)
    hand.press(rows.first.get_by_role("link").first)
    expect(page.locator("tr[data-change]", has_text="testing").first).to_be_visible()
