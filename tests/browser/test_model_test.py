"""A served model is tested: its answer streams in, Stop frees it."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Way
from tests.outages.portal import Portal
from tests.processes import until

LONG = json.dumps(
    {
        "model": "Qwen/Qwen3-0.6B",
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
    expect(page.get_by_label("Model", exact=True).last).to_have_value("Qwen/Qwen3-0.6B")
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
