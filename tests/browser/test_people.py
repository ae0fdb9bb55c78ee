"""Who comes and goes, and who may not: log in and out, and refusals that say which role may."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Way
from tests.browser.wire import Wire
from tests.outages.portal import Portal
from tests.smoke.people import PASSWORD, Person


class Carol:
    """An operator whom the admin hires, and whose role changes."""

    def __init__(self, root: Person, url: str) -> None:
        self.root = root
        person = {
            "username": "carol",
            "usable_password": "true",
            "password1": PASSWORD,
            "password2": PASSWORD,
        }
        forms = {"grants-TOTAL_FORMS": "0", "grants-INITIAL_FORMS": "0"}
        self.user = self._save("user/add/", {**person, **forms, "_continue": "on"})
        self.grant = self._save("grant/add/", self._role("operator"))
        self.person = Person(url, "carol")

    def becomes(self, role: str) -> None:
        self._save(f"grant/{self.grant}/change/", self._role(role))

    def leave(self) -> None:
        self.root.post(f"/admin/accounts/user/{self.user}/delete/", {"post": "yes"})

    def _role(self, role: str) -> dict[str, str]:
        return {"user": self.user, "role": role, "cluster": "*", "business": "*", "_continue": "on"}

    def _save(self, form: str, data: dict[str, str]) -> str:
        """Save a form of the admin site; the record's key."""
        answer = self.root.post(f"/admin/accounts/{form}", data)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"].split("/")[-3]


@pytest.fixture
def carol(portal: Portal, people: dict[str, Person]) -> Iterator[Carol]:
    hired = Carol(people["root"], portal.stack.url)
    people["carol"] = hired.person
    yield hired
    hired.leave()
    del people["carol"]


def test_a_refused_move_says_which_role_may(way: Way, portal: Portal, pod: str, carol: Carol) -> None:
    window = way.come("carol")
    wire = Wire(window.context)
    page = window.open("/c/demo/pods/?app=pool")
    wire.cut(page)  # else the controls would be gone with the role
    carol.becomes("viewer")
    window.accept("status of 403|Code 403")
    row, hand = page.locator(f"tr[data-pod='{pod}']"), way.hand(page)
    hand.choose(row.get_by_role("combobox"), "production")
    hand.press(row.get_by_role("button", name="Move"))
    expect(page.locator("#toasts")).to_contain_text("operators and admins may")
    expect(row.get_by_role("combobox")).to_have_value("unassigned")
    wire.mend()
    expect(row.get_by_role("combobox")).to_have_count(0)
    assert portal.truth()[pod] == "unassigned"


def test_a_button_that_is_off_says_who_may(way: Way) -> None:
    page, _hand = way.open("bob", "/c/demo/deploy/")
    expect(page.get_by_role("button", name="Deploy", exact=True)).to_be_disabled()
    expect(page.locator("#deploy-why")).to_contain_text("operators and admins may")


def test_a_stranger_logs_in_and_out_again(way: Way) -> None:
    window = way.come("")
    page, hand = window.page, way.hand(window.page)
    window.accept("status of 422")
    page.goto("/operations/")
    for password in ("not-my-password", PASSWORD):
        hand.fill(page.get_by_label("Username"), "bob")
        hand.fill(page.get_by_label("Password"), password)
        hand.press(page.get_by_role("button", name="Log in"))
    page.wait_for_url("**/operations/")
    window.is_live()
    other = window.context.new_page()
    other.goto("/audit/")
    expect(other.locator("#live-state")).to_contain_text("live ·")
    hand.press(page.get_by_role("button", name="bob"))
    hand.press(page.get_by_role("button", name="Log out"))
    page.wait_for_url("**/accounts/login/**")
    expect(other.locator("#live-state")).to_contain_text("logged out")
