"""Two ways to use a page: with the mouse, or with the keyboard alone. Journeys are walked both ways."""

from typing import Protocol

from playwright.sync_api import Locator, Page, expect

from tests.browser.windows import PATIENCE

MOST_TABS = 150
# The key that leads on to the wanted element, "" where it has the focus; 2 is DOCUMENT_POSITION_PRECEDING.
KEY = """node => node === document.activeElement ? ""
  : document.activeElement.compareDocumentPosition(node) & 2 ? "Shift+Tab" : "Tab\""""


class Hand(Protocol):
    """What a person does with controls; each waits until the control is there."""

    def press(self, control: Locator) -> None:
        """A button, a link, a checkbox, the summary of details."""

    def fill(self, field: Locator, text: str) -> None:
        """Put this into a text field, in place of what was there."""

    def choose(self, select: Locator, option: str) -> None:
        """The option of a list whose words begin so."""


class Mouse:
    """Clicks. For choosing and typing, as Playwright does it."""

    def press(self, control: Locator) -> None:
        control.click()

    def fill(self, field: Locator, text: str) -> None:
        field.fill(text)

    def choose(self, select: Locator, option: str) -> None:
        wanted = select.locator("option").filter(has_text=option).first
        select.select_option(value=wanted.get_attribute("value") or option)


class Keyboard:
    """Tab and Shift+Tab to the control, then only keys; never a mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, control: Locator) -> None:
        """Tab to it. AssertionError when no number of tabs leads there."""
        expect(control).to_be_enabled(timeout=PATIENCE)
        for _press in range(MOST_TABS):
            if not (key := control.evaluate(KEY)):
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"no way by Tab to {control}")

    def press(self, control: Locator) -> None:
        self.reach(control)
        box = control.evaluate("node => node.type === 'checkbox'")
        self.page.keyboard.press("Space" if box else "Enter")

    def fill(self, field: Locator, text: str) -> None:
        self.reach(field)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def choose(self, select: Locator, option: str) -> None:
        self.reach(select)
        self.page.keyboard.type(option)
