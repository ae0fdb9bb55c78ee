"""`make screenshots`: starts a demo, walks its pages in Chromium, and writes docs/screenshots/*.png."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from playwright.sync_api import Browser, Page, expect

from hyperpod_site.stack.programs import PROJECT
from hyperpod_site.stack.services import throwaway_folder
from hyperpod_site.stack.stack import Stack
from tests.browser.windows import PATIENCE, Window
from tests.chromium import chromium
from tests.processes import until
from tests.smoke.people import Person

FOLDER = PROJECT / "docs" / "screenshots"
LARGEST = 150_000
"""Bytes of one picture: they are read over slow lines, and kept in git for ever."""
WIDTH = 1120
POOL = "/c/demo/pools/default/qwen3-pool/"
COMMAND = "vllm serve Qwen/Qwen2.5-72B-Instruct --tensor-parallel-size 8 --max-model-len 16384"


def overview(page: Page) -> None:
    expect(page.get_by_text("production 3")).to_be_visible()


def deploy_and_test(page: Page) -> None:
    """A typed command, and an answer of a model."""
    page.get_by_label("Command").fill(COMMAND)
    page.get_by_label("Service", exact=True).select_option("default/qwen3-production")
    expect(page.locator("#test-model")).not_to_have_value("")
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("#test-facts")).to_contain_text("tokens/s")
    expect(page.locator("#command-preview")).to_contain_text("Qwen2.5-72B")


def pods_and_log(page: Page) -> None:
    """A pod's log in the panel over the list."""
    page.locator("tr[data-pod^=qwen3-pool] a[data-panel]").first.click()
    page.locator("#side-panel").get_by_role("link", name="Log").click()
    expect(page.locator("#side-panel .log")).to_contain_text("startup complete")
    expect(page.get_by_text("Asking the cluster")).to_have_count(0)


def pool(page: Page) -> None:
    expect(page.get_by_text("production").first).to_be_visible()


def operation(page: Page) -> None:
    expect(page.locator(".log")).to_contain_text("Applied Deployment")


def audit(page: Page) -> None:
    expect(page.locator("#audit-entries")).to_contain_text("Assign pod")


PICTURES: tuple[tuple[str, str, int, Callable[[Page], None]], ...] = (
    ("overview", "/c/demo/", 820, overview),
    ("deploy", "/c/demo/deploy/", 940, deploy_and_test),
    ("pods", "/c/demo/pods/", 620, pods_and_log),
    ("pool", POOL, 680, pool),
    ("operation", "/operations/1/", 680, operation),
    ("audit", "/audit/?cluster=demo", 680, audit),
)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
DARK = {"overview", "pool"}


def settled(person: Person) -> bool:
    """Whether everything is deployed and four pods are lent, as the demo's seed does."""
    pods = person.ask("c/demo/pods")
    lent = [pod for pod in pods if pod["business"] in {"production", "testing"}]
    return len(lent) == 4 and len(pods) == 8 and all(pod["processedStatus"]["isReady"] for pod in pods)


def take(
    browser: Browser, person: Person, name: str, path: str, height: int, prepare: Callable[[Page], None]
) -> None:
    """One page in light, and in dark where that is wanted."""
    for scheme in THEMES if name in DARK else THEMES[:1]:
        window = Window(browser, person.url, person, width=WIDTH, height=height, scheme=scheme)
        page = window.open(path)
        prepare(page)
        page.mouse.move(0, 0)
        kept = FOLDER / (f"{name}.png" if scheme == "light" else f"{name}-dark.png")
        page.screenshot(path=kept, animations="disabled")
        window.close()
        print(f"{kept.relative_to(PROJECT)}  {kept.stat().st_size // 1000} kB")
        assert kept.stat().st_size <= LARGEST, f"{kept.name} is too large"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    expect.set_options(timeout=PATIENCE)
    with throwaway_folder() as folder, Stack(folder, with_aws=False) as stack, chromium() as browser:
        stack.manage("seed_demo", "--workloads", "--kubeconfig", str(stack.kubeconfig))
        alice = Person(stack.url, "alice", seconds=90)
        until(partial(settled, alice), seconds=120, every=0.5, what="the demo's pods to be lent")
        for picture in PICTURES:
            take(browser, alice, *picture)


if __name__ == "__main__":
    main()
