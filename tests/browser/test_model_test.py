"""A served model is tested: its answer streams in, Stop frees it, and what is typed survives pushes."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from apps.gateways import manifests
from tests.browser.conftest import Way
from tests.browser.windows import Window
from tests.outages.portal import Portal
from tests.processes import until

MODEL = "Qwen/Qwen3-0.6B"
LONG = json.dumps(
    {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Tell me of pods"}],
        "max_tokens": 4000,
        "stream": True,
    }
)


@pytest.fixture
def served(portal: Portal, pod: str) -> str:
    """A pod that serves the business production alone."""
    for name, business in portal.truth().items():
        portal.lent(
            name, "production" if name == pod else "testing" if business == "production" else business
        )
    return pod


def running(portal: Portal, pod: str) -> float:
    """How many requests the pod's engine has in hand."""
    with portal.outside.proxy("pods", pod, 8000, "metrics", namespace="default", method="GET") as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith("vllm:num_requests_running")).split()[-1])


def test_an_answer_streams_and_stop_frees_the_model(way: Way, portal: Portal, served: str) -> None:
    page, hand = way.open("alice", "/c/demo/deploy/")
    expect(page.locator("#test-service option", has_text="pool-production")).to_be_attached()
    hand.choose(page.get_by_label("Service"), "default/pool-production")
    expect(page.get_by_label("Model", exact=True).last).to_have_value(MODEL)
    hand.fill(page.get_by_label("Payload (JSON)"), LONG)
    hand.press(page.get_by_role("button", name="Test", exact=True))
    expect(page.locator("#test-facts")).to_contain_text("tokens/s")
    expect(page.locator("#test-pod")).to_have_text(served)
    early = page.locator("#test-answer").inner_text()
    expect(page.locator("#test-answer")).not_to_have_text(early)
    assert running(portal, served) == 1
    hand.press(page.get_by_role("button", name="Stop"))
    expect(page.locator("#test-facts")).to_contain_text("Stopped")
    until(lambda: running(portal, served) == 0, what="the model to be free")


@pytest.fixture
def card(window: Callable[..., Window], served: str) -> Page:
    """Deploy & test with the served business chosen and its model known."""
    page = window("alice").open("/c/demo/deploy/")
    page.select_option("#test-service", "default/pool-production")
    expect(page.locator("#test-model")).to_have_value(MODEL)
    return page


def test_whole_answers_are_pretty_and_problems_are_words(card: Page) -> None:
    card.get_by_role("button", name="List of models").click()
    card.click("#test-send")
    expect(card.locator("#test-answer")).to_contain_text(f'"id": "{MODEL}"')
    card.fill("#test-path", "/v1/../secrets")
    expect(card.locator("#test-path-problem")).to_contain_text("step up")
    card.get_by_role("button", name="Chat", exact=True).click()
    card.fill("#test-payload", '{"a": 1,\n  "b": }')
    expect(card.locator("#test-payload-problem")).to_contain_text("Line 2, column 8")


@pytest.fixture
def another(portal: Portal) -> Iterator[Callable[[], str]]:
    """Makes a service that appears while somebody types; its name."""
    place = {"name": "another", "namespace": "default"}

    def make() -> str:
        wanted = {**place, "model_type": "vllm", "port": 8000, "deployment": "pool"}
        for manifest in manifests.render("model_service", **wanted):
            portal.outside.create(manifest)
        return "default/another"

    yield make
    portal.outside.delete("services", **place)


def test_what_is_typed_survives_other_tabs_and_pushes(card: Page, another: Callable[[], str]) -> None:
    card.fill("#test-payload", '{"half": ')
    card.get_by_role("link", name="Service Configuration").click()
    expect(card.locator("#service-form")).to_be_visible()
    card.get_by_label("App Status").get_by_role("link", name="Services").first.click()
    expect(card.locator("#app-status")).to_contain_text("All services")
    expect(card.locator(f'#test-service option[value="{another()}"]')).to_be_attached()
    assert card.input_value("#test-service") == "default/pool-production"
    assert card.input_value("#test-payload") == '{"half": '
    assert card.url.endswith("?tab=service&show=services")
