"""People's browser windows: whatever a browser complains of is kept and fails the test."""

import re
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect

from tests.smoke.people import Person

PATIENCE = 30_000  # ms; a loaded machine is slow, a broken page is slower
REFUSED = """document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP refused ${event.violatedDirective} ${event.blockedURI}`))"""


class Window:
    """A browser of one person: nothing is shared with the windows of others.

    `width` and `height` in CSS pixels; `who` None is a stranger.
    """

    def __init__(
        self,
        browser: Browser,
        url: str,
        who: Person | None,
        *,
        width: int = 1440,
        height: int = 900,
        scheme: Literal["dark", "light"] = "light",
    ) -> None:
        self.url = url
        self.complaints: list[str] = []
        self.accepted: list[str] = []
        size = {"width": width, "height": height}
        self.context = browser.new_context(base_url=url, viewport=size, color_scheme=scheme)  # type: ignore[arg-type]  # a plain dict is what it takes
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(REFUSED)
        self.context.on("page", self._listen)
        if who is not None:
            cookies = [{"name": name, "value": value, "url": url} for name, value in who.http.cookies.items()]
            self.context.add_cookies(cookies)  # type: ignore[arg-type]  # a plain dict is what it takes
        self.page = self.context.new_page()

    def open(self, path: str) -> Page:
        """Go to a page and wait until it is live."""
        self.page.goto(path)
        self.is_live()
        return self.page

    def is_live(self) -> None:
        """Wait until the page's socket is open and heard."""
        expect(self.page.locator("#live-state")).to_contain_text("live ·", timeout=PATIENCE)

    def accept(self, pattern: str) -> None:
        """Complaints that this test causes on purpose, as a regular expression."""
        self.accepted.append(pattern)

    def close(self) -> None:
        """AssertionError lists what the browser complained of."""
        self.context.close()
        wrong = [text for text in self.complaints if not any(re.search(each, text) for each in self.accepted)]
        assert not wrong, "The browser complains: " + "; ".join(wrong)

    def _listen(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("request", lambda request: self._asked(request.url))
        page.on("websocket", lambda opened: self._asked(opened.url))
        page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text}")

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != urlsplit(self.url).netloc:
            self.complaints.append(f"asked another host: {url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.complaints.append(f"{response.status}: {response.url}")
