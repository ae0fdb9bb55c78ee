"""axe-core on every page of the site, with real things on it, in both themes: nothing serious is wrong.

The pages come from the access table and the URLs of the admin site, so a new page is looked at by itself.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page

from hyperpod_site.checks import all_urls
from hyperpod_site.stack.programs import PROJECT
from tests.access_table import ROWS, Row, a_record, an_entry, an_operation
from tests.browser.windows import Window
from tests.outages.portal import Portal
from tests.processes import until
from tests.smoke.people import Person

Windows = Callable[..., Window]
AXE = PROJECT / "node_modules/axe-core/axe.min.js"
STANDARD = "chatter"
FIRST = {an_entry: {"pk": "1"}, an_operation: {"pk": "1"}, a_record: {"cluster": "demo", "pk": "1"}}
"""What the table makes in its own world has its first number here."""
SHOWN = {200, 502}
"""What the table says where a page is there; 502 because its own cluster refuses the portal."""
NO_PAGES = {
    "healthz": "words",
    "readyz": "words",
    "audit:export_csv": "a file",
    "audit:export_jsonl": "a file",
    "operations:log": "a file",
    "inference:pod_log": "a file",
    "pools:history_csv": "a file",
    "inference:service_proxy": "what the model says",
    "inference:pod_from_cluster": "a part of the pod's page",
}
VARIANTS = (
    "/c/demo/deploy/?tab=service&show=services",
    "/c/demo/pods/?q=nothing-like-this",
    f"/c/demo/deploy/?test=default/{STANDARD}",
    "/operations/?state=failed",
    "/audit/?actor=nobody",
    "/c/nowhere/",
)
RUN = """rules => {
  document.getAnimations().forEach(animation => animation.finish());
  const kept = {resultTypes: ["violations"], preload: false, selectors: false};
  const options = {...kept, ...(rules.length ? {runOnly: rules} : {})};
  return axe.run(document, options).then(found =>
    found.violations.filter(each => ["serious", "critical"].includes(each.impact)).flatMap(each =>
      each.nodes.map(node => `${each.id}: ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`)));
}"""
"""Finding a selector for each element would cost as much as the rules; its markup says enough."""
ALL: list[str] = []
OF_LOOKS = ["color-contrast", "link-in-text-block", "scrollable-region-focusable"]
"""The rules that may find something else when the same page is narrow and dark."""
SAY = """["success", "info", "warning", "danger"].forEach(level =>
  document.dispatchEvent(new CustomEvent("toast", {detail: {level, text: "A word on what has happened"}})))"""
WIDE: Any = {"width": 1440, "height": 900}
NARROW: Any = {"width": 800, "height": 900}
DARK = "document.documentElement.dataset.bsTheme = document.documentElement.dataset.theme = 'dark'"


def shown(row: Row) -> bool:
    """Whether an admin sees something there."""
    return row.statuses[-1] in SHOWN if row.method == "GET" else row.wrong != "GET"


PAGES = sorted(
    name for name, row in ROWS.items() if shown(row) and not name.startswith("api:") and name not in NO_PAGES
)
ADMIN = sorted(
    name
    for name, _pattern in all_urls()
    if name.startswith("admin:") and name.endswith(("index", "_changelist", "_add"))
)


@pytest.fixture(scope="package")
def names(portal: Portal) -> Mapping[str, str]:
    """The real thing for names of the access table: a pool with a lent pod, a standard deployment."""
    operation = portal.ended(portal.deploy(STANDARD))
    assert operation["status"] == "succeeded", operation
    lent = min(portal.pods())
    portal.lent(lent, "production")
    served = until(lambda: pods_of(portal.alice, STANDARD), what="its pod in the mirror")
    return {"chat": STANDARD, "chat-1": served[0], "pool-1": lent}


def pods_of(person: Person, app: str) -> list[str]:
    found = [pod["metadata"] for pod in person.ask("c/demo/pods")]
    return [pod["name"] for pod in found if pod["labels"].get("app") == app]


DRAWN = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))"


def address(name: str, names: Mapping[str, str]) -> str:
    """Where the page of that row is, for the real things."""
    row = ROWS[name]
    wanted: Mapping[str, str] = FIRST[row.kwargs] if callable(row.kwargs) else row.kwargs
    kwargs = {key: names.get(value, value) for key, value in wanted.items()}
    query = "&".join(f"{key}={value}" for key, value in row.data.items())
    return reverse(name, kwargs=kwargs) + (f"?{query}" if query else "")


@pytest.fixture(scope="module")
def page(portal: Portal, people: dict[str, Person], browser: Browser) -> Iterator[Page]:
    """An admin's window for all pages: what one has loaded, the next has at hand."""
    opened = Window(browser, portal.stack.url, people["root"])
    opened.accept("status of 40[34]")
    yield opened.page
    opened.close()


def look(page: Page, path: str, *, statuses: tuple[int, ...] = (200,)) -> None:
    """Open it and look at it; what it answers must be a page with one of these statuses."""
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    answer = page.goto(path)
    assert answer is not None and answer.status in statuses, path
    kind = answer.headers["content-type"]
    assert kind.startswith("text/html"), f"{path} is no page but {kind}: say so in NO_PAGES"
    seriously(page)


def seriously(page: Page) -> None:
    """AssertionError lists what axe calls serious or critical, wide and light or narrow and dark."""
    page.evaluate(AXE.read_text())
    light: list[Any] = page.evaluate(RUN, ALL)
    page.emulate_media(color_scheme="dark")
    page.evaluate(DARK)
    page.set_viewport_size(NARROW)
    page.evaluate(DRAWN)  # what the page does about its new width comes with the next frame
    dark: list[Any] = page.evaluate(RUN, OF_LOOKS)
    assert (light, dark) == ([], [])


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious_on_a_page(page: Page, names: Mapping[str, str], name: str) -> None:
    look(page, address(name, names))


@pytest.mark.parametrize("path", VARIANTS)
def test_axe_finds_nothing_serious_on_other_states_of_a_page(
    page: Page, names: Mapping[str, str], path: str
) -> None:
    look(page, path, statuses=(200, 404))


def test_axe_finds_nothing_serious_on_a_log(page: Page, names: Mapping[str, str]) -> None:
    look(page, f"/c/demo/pods/default/{names['pool-1']}/?tab=log")


def test_axe_finds_nothing_serious_where_strangers_log_in(window: Windows) -> None:
    look(window("").page, reverse("accounts:login"))


def test_axe_finds_nothing_serious_in_what_the_portal_says_in_passing(page: Page, portal: Portal) -> None:
    page.goto("/c/demo/pods/")
    page.evaluate(SAY)
    seriously(page)


@pytest.mark.parametrize("name", ADMIN)
def test_axe_finds_nothing_serious_in_the_admin_site(page: Page, names: Mapping[str, str], name: str) -> None:
    look(page, reverse(name), statuses=(200, 403))
