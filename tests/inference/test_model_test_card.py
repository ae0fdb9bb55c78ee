"""The Model Testing card in a real Chromium, at a real model: stream, stop, and nothing lost to a push."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from apps.gateways import manifests
from tests.chromium import chromium as start_chromium
from tests.inference.calling import CALLS, MODEL, NAME, Web
from tests.processes import until

pytestmark = [*CALLS, pytest.mark.browser]
PATIENCE = 20_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with start_chromium() as found:
        yield found


@pytest.fixture
def page(chromium: Browser, web: Web) -> Iterator[Page]:
    """Alice on Deploy & test; the test fails on anything that the console or another host heard of."""
    context = chromium.new_context(viewport={"width": 1440, "height": 1000})
    cookies: Any = [{"name": "sessionid", "value": web.cookies["sessionid"], "url": web.address}]
    context.add_cookies(cookies)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    wrong: list[str] = []
    opened.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda one: None if one.url.startswith(web.address) else wrong.append(one.url))
    opened.goto(f"{web.address}/c/{web.place.cluster.slug}/deploy/")
    yield opened
    context.close()
    assert [text for text in wrong if "WebSocket" not in text and not text.startswith("data:")] == []


def choose(page: Page, web: Web) -> None:
    """Take the served model's Service, and wait until the card knows its model."""
    page.select_option("#test-service", f"{web.place.namespace}/{NAME}")
    expect(page.locator("#test-model")).to_have_value(MODEL, timeout=PATIENCE)


def test_a_long_answer_streams_and_stop_frees_the_model(page: Page, web: Web) -> None:
    choose(page, web)
    payload = page.input_value("#test-payload").replace('"max_tokens": 100', '"max_tokens": 4000')
    page.fill("#test-payload", payload)
    page.click("#test-send")
    expect(page.locator("#test-facts")).to_contain_text("tokens/s", timeout=PATIENCE)
    early = page.inner_text("#test-answer")
    expect(page.locator("#test-answer")).not_to_have_text(early, timeout=PATIENCE)
    assert page.inner_text("#test-pod") in web.place.names("pods")
    assert web.running == 1
    stopped = time.monotonic()
    page.click("#test-stop")
    until(lambda: web.running == 0, seconds=15, what="the slot to be free")
    print(f"slot free {time.monotonic() - stopped:.2f} s after Stop")
    expect(page.locator("#test-facts")).to_contain_text("Stopped", timeout=PATIENCE)


def test_whole_answers_are_pretty_and_problems_are_words(page: Page, web: Web) -> None:
    choose(page, web)
    page.get_by_role("button", name="List of models").click()
    page.click("#test-send")
    expect(page.locator("#test-answer")).to_contain_text(f'"id": "{MODEL}"', timeout=PATIENCE)
    page.fill("#test-path", "/v1/../secrets")
    expect(page.locator("#test-path-problem")).to_contain_text("step up", timeout=PATIENCE)
    page.get_by_role("button", name="Chat", exact=True).click()
    page.fill("#test-payload", '{"a": 1,\n  "b": }')
    expect(page.locator("#test-payload-problem")).to_contain_text("Line 2, column 8", timeout=PATIENCE)


def test_what_is_typed_survives_other_tabs_and_pushes(page: Page, web: Web) -> None:
    choose(page, web)
    page.fill("#test-payload", '{"half": ')
    page.get_by_role("link", name="Service Configuration").click()
    expect(page.locator("#service-form")).to_be_visible(timeout=PATIENCE)
    page.get_by_label("App Status").get_by_role("link", name="Services").first.click()
    expect(page.locator("#app-status")).to_contain_text("All services", timeout=PATIENCE)
    expect(page.locator("#live-state")).to_contain_text("live", timeout=PATIENCE)
    common: dict[str, Any] = {"name": "another", "namespace": web.place.namespace, "model_type": "vllm"}
    for manifest in manifests.render("model_service", **common, port=8000, deployment=NAME):
        web.place.outside.create(manifest)
    web.place.look()
    option = page.locator(f'#test-service option[value="{web.place.namespace}/another"]')
    expect(option).to_be_attached(timeout=PATIENCE)
    web.place.outside.delete("services", "another", namespace=web.place.namespace)
    assert page.input_value("#test-service") == f"{web.place.namespace}/{NAME}"
    assert page.input_value("#test-payload") == '{"half": '
    assert page.url.endswith("?tab=service&show=services")


def test_the_button_says_why_it_is_off_and_what_it_does(page: Page, web: Web) -> None:
    button = page.locator("button[name=deploy]")
    expect(button).to_be_disabled()
    expect(page.locator("#deploy-why")).to_have_text("Type the command of the engine first.")
    page.get_by_role("button", name="SGLang example").click()
    expect(button).to_be_enabled(timeout=PATIENCE)
    expect(page.locator("#command-preview")).to_contain_text("Qwen/Qwen3-0.6B")
    page.check("#id_as_pool")
    expect(button).to_have_text("Deploy as Model Pool", use_inner_text=True)
    page.fill("#id_command", "vllm serve")
    expect(button).to_be_disabled(timeout=PATIENCE)
    expect(page.locator("#deploy-why")).to_contain_text("names no model")
