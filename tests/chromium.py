"""The one way to a real Chromium in tests."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

# The first is Chromium without a window's trimmings, at little more than half the work.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A real Chromium until the block ends. AssertionError with advice when there is none.

    Never keep two of them, nor one beside an asyncio test: Playwright runs a loop in this thread. So a
    fixture around it is of scope "module" or "package".
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "No Chromium found: install Debian's package as root: apt-get install chromium"
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # the test's own queries block that loop, as they should
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
