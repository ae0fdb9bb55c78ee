"""Real browsers for measurements, in a process of their own: `python -m bench.browsers`, told what to do on
stdin as live_clients.py is.

First line: {"url", "cookie", "path", "pages"}. Each page has a browser to itself. A change counts when the
page's document holds it: an observer reads the moment before the change was written from the row's text.
"""

import json
import queue
import shutil
import sys
import threading
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
OBSERVE = r"""
window.ages = [];
const known = new Set();
const stampOf = (row) => (row.textContent.match(/t(\d{18,})/) || [])[1] || "0";
const seen = (row) => {
  const stamp = stampOf(row);
  if (stamp === "0" || known.has(stamp)) return;
  known.add(stamp);
  window.ages.push(performance.timeOrigin + performance.now() - Number(BigInt(stamp) / 1000n) / 1000);
};
const rowsIn = (node) => {
  const element = node.nodeType === 1 ? node : node.parentElement;
  const row = element && element.closest("tr");
  return row ? [row] : element ? element.querySelectorAll("tr") : [];
};
new MutationObserver((changes) => {
  for (const change of changes) for (const node of [...change.addedNodes]) rowsIn(node).forEach(seen);
}).observe(document, { childList: true, subtree: true });
window.shown = () => Object.fromEntries(
  [...document.querySelectorAll("tbody tr[id]")].map((row) => [row.id, stampOf(row)]));
"""


def opened(browser: Browser, job: dict[str, Any]) -> Page:
    """The page in a fresh browser, live: its socket is open."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    name, _equals, value = job["cookie"].partition("=")
    context.add_cookies([{"name": name, "value": value, "url": job["url"]}])
    context.add_init_script(OBSERVE)
    page = context.new_page()
    with page.expect_websocket() as socket:
        page.goto(job["url"] + job["path"])
    socket.value.wait_for_event("framereceived")
    page.wait_for_selector("tbody tr[id]")
    page.evaluate("window.ages = []")
    return page


def shown(page: Page) -> dict[str, int]:
    """Each row's stamp, as the document has it."""
    return {dom_id: int(stamp) for dom_id, stamp in page.evaluate("window.shown()").items()}


def hear(page: Page, orders: queue.Queue[str]) -> str:
    """The next order. What browsers report meanwhile is read, or their pipe fills and they stand still."""
    while orders.empty():
        page.wait_for_timeout(100)
    return orders.get()


def listen(orders: queue.Queue[str]) -> None:
    """Keep what stdin says."""
    for line in sys.stdin:
        orders.put(line.strip())


def main() -> None:
    """Obey stdin."""
    job = json.loads(sys.stdin.readline())
    executable = next(filter(None, map(shutil.which, NAMES)))
    orders: queue.Queue[str] = queue.Queue()
    threading.Thread(target=listen, args=(orders,), daemon=True).start()
    with sync_playwright() as playwright:
        chromium = playwright.chromium
        browsers = [
            chromium.launch(executable_path=executable, args=FLAGS) for _number in range(job["pages"])
        ]
        pages = [opened(browser, job) for browser in browsers]
        print("ready", flush=True)
        while hear(pages[0], orders) == "shown":
            print(json.dumps([[shown(page), 1] for page in pages]), flush=True)
        ages = [age for page in pages for age in page.evaluate("window.ages")]
        print(json.dumps({"ages": ages}), flush=True)
        for browser in browsers:
            browser.close()


if __name__ == "__main__":
    main()
