"""Deploy & test: its parts, its tabs, and what each role finds there."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.inference import tabs
from tests.inference.mirrored import Mirrored

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


def page(client: Client, part: str = "", current: str = "", **query: str) -> str:
    """The page, or the part that htmx asks for."""
    headers = {"HX-Request": "true", "HX-Target": part, "HX-Current-URL": current} if part else {}
    answer = client.get(reverse("inference:deploy", args=["demo"]), query, headers=headers)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_it_has_configuration_testing_and_status(
    alice: User, mirrored: Mirrored, client_of: ClientOf
) -> None:
    html = page(client_of(alice))
    for words in ("Model Configuration", "Service Configuration", "Model Testing", "App Status"):
        assert words in html
    assert 'data-service="default/vllm-llama" data-engine=""' in html
    counts = re.findall(r'href="\?show=(\w+)".*?tabular">(\d+)<', html)
    assert counts == [("pods", "2"), ("services", "1"), ("deployments", "2")]


def test_a_viewer_sees_the_controls_and_who_may_use_them(
    bob: User, mirrored: Mirrored, client_of: ClientOf
) -> None:
    html = page(client_of(bob))
    assert html.count("data-forbidden") == 2
    assert "Your role may not deploy, scale and remove models; operators and admins may." in html
    assert "Your role may not test models; operators and admins may." in html


@pytest.mark.parametrize(("show", "words"), [("pods", "pool-a"), ("services", "app=vllm-llama")])
def test_the_status_shows_the_chosen_list_alone(
    bob: User, mirrored: Mirrored, client_of: ClientOf, show: str, words: str
) -> None:
    html = page(client_of(bob), "app-status", show=show)
    assert words in html
    assert "Model Testing" not in html and "<html" not in html


def test_a_part_keeps_what_the_address_says_of_the_other(
    bob: User, mirrored: Mirrored, client_of: ClientOf
) -> None:
    headers = {"HX-Request": "true", "HX-Target": "app-status", "HX-Current-URL": "http://x/?tab=service"}
    address = reverse("inference:deploy", args=["demo"])
    answer = client_of(bob).get(address, {"show": "services"}, headers=headers)
    assert answer.headers["HX-Replace-Url"] == f"{address}?tab=service&show=services"
    assert "HX-Target" in answer.headers["Vary"]


def test_the_service_tab_offers_the_pools(alice: User, mirrored: Mirrored, client_of: ClientOf) -> None:
    html = page(client_of(alice), "configuration", tab="service")
    assert "vllm-qwen-pool (Qwen/Qwen3)" in html
    assert "vllm-llama (" not in html


def test_the_service_tab_without_pools_says_how_to_get_one(
    alice: User, cluster: Cluster, client_of: ClientOf
) -> None:
    assert "No pools yet" in page(client_of(alice), "configuration", tab="service")


@pytest.mark.parametrize("tab", ["", "nothing", "../x", "<script>"])
def test_an_unknown_tab_is_the_first(bob: User, mirrored: Mirrored, client_of: ClientOf, tab: str) -> None:
    html = page(client_of(bob), tab=tab, show=tab)
    assert 'id="deploy-form"' in html and '<script>"' not in html


def test_a_service_that_does_not_fit_says_so_beside_its_field(
    alice: User, mirrored: Mirrored, client_of: ClientOf
) -> None:
    wish = {"pool": "default/vllm-qwen-pool", "name": "svc", "business": "draining"}
    address = reverse("pools:configure_service", args=["demo"])
    answer = client_of(alice).post(address, wish, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert "reserved word" in answer.content.decode()


def test_errors_of_the_form_come_back_as_the_left_card_only(
    alice: User, mirrored: Mirrored, client_of: ClientOf
) -> None:
    headers = {"HX-Request": "true", "HX-Target": "configuration"}
    answer = client_of(alice).post(
        reverse("inference:deploy", args=["demo"]), {"command": "vllm serve 'x"}, headers=headers
    )
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "never closed" in html and "Model Testing" not in html


def test_the_preview_tells_the_button_why_it_is_off(
    alice: User, mirrored: Mirrored, client_of: ClientOf
) -> None:
    client, address = client_of(alice), reverse("inference:deploy_preview", args=["demo"])
    assert (
        "names no model" in client.post(address, {"command": "vllm serve", "replicas": "1"}).content.decode()
    )
    fits = client.post(address, {"command": "vllm serve a/b", "replicas": "1"}).content.decode()
    assert "data-problem" not in fits


def test_two_tabs_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        tabs.register(tabs.Tab("service", title="x", template="x", context=lambda _request, _cluster: {}))
