"""The page of the API's documentation, in a real Chromium under our own Content-Security-Policy."""

from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Browser, Page, expect

from apps.accounts.models import User
from tests.live.conftest import session_of
from tests.live.test_browser import Server, chromium  # noqa: F401  chromium is a fixture

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
REFUSED = """document.addEventListener("securitypolicyviolation", (event) =>
  (window.refused ||= []).push(`${event.violatedDirective} ${event.blockedURI}`))"""


@pytest.fixture
def docs(chromium: Browser, transactional_db: None, bob: User) -> Any:  # noqa: F811  the fixture itself
    server = Server()
    server.start()
    context = chromium.new_context()
    cookie = {"name": django_settings.SESSION_COOKIE_NAME, "value": session_of(bob), "url": server.url}
    context.add_cookies([cookie])  # type: ignore[list-item]  # a plain dict is what it takes
    context.add_init_script(REFUSED)
    page = context.new_page()
    page.goto(f"{server.url}/api/docs", wait_until="load")
    yield page, server
    context.close()
    server.stop()


def test_it_shows_every_operation_from_our_own_files_without_a_refusal(docs: tuple[Page, Server]) -> None:
    page, server = docs
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload(wait_until="load")
    expect(page.locator(".opblock").first).to_be_visible(timeout=30_000)
    page.locator(".opblock-summary").first.click()
    expect(page.locator(".opblock-body").first).to_be_visible(timeout=15_000)
    assert page.evaluate("window.refused || []") == []
    assert len(asked) > 3 and [url for url in asked if not url.startswith((server.url, "data:"))] == []
