"""What people, htmx and programs are told when something goes wrong."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import AsyncClient, Client

from apps.accounts.models import User
from tests.edge.urls import ERRORS

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.edge.urls")]

STATUSES = {
    "not-found": 404,
    "conflict": 409,
    "invalid": 422,
    "too-large": 413,
    "slow-down": 429,
    "unreachable": 503,
    "timed-out": 503,
    "forbidden": 502,
    "unauthorized": 502,
    "gone": 502,
    "server-error": 502,
    "denied": 403,
    "missing": 404,
    "busy": 409,
    "form": 422,
    "suspicious": 400,
    "database": 503,
    "redis": 503,
    "bug": 500,
}
SECRETS = ("hunter2", "10.1.2", "secret reason", "Traceback", "RuntimeError")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def test_every_error_has_a_status() -> None:
    assert STATUSES.keys() == ERRORS.keys()


@pytest.mark.parametrize("kind", ERRORS)
def test_a_page_says_what_happened_and_nothing_of_our_insides(client: Client, kind: str) -> None:
    answer = client.get(f"/probe/fail/{kind}")
    page = answer.content.decode()
    assert answer.status_code == STATUSES[kind] and answer["Content-Type"].startswith("text/html")
    assert "To the overview" in page and not any(secret in page for secret in SECRETS)


@pytest.mark.parametrize("kind", ERRORS)
def test_htmx_gets_a_toast_and_swaps_nothing(client: Client, kind: str) -> None:
    answer = client.get(f"/probe/fail/{kind}", headers=HTMX)
    toast = json.loads(answer["HX-Trigger"])["toast"]
    assert (answer.status_code, answer["HX-Reswap"], answer.content) == (STATUSES[kind], "none", b"")
    assert toast["text"] and not any(secret in toast["text"] for secret in SECRETS)


@pytest.mark.parametrize(
    "path", ["/api/probe/fail/", "/api/probe/fail-plain/"], ids=["in ninja", "in a view"]
)
@pytest.mark.parametrize("kind", ERRORS)
def test_a_program_gets_a_problem_in_json(client: Client, kind: str, path: str) -> None:
    answer = client.get(path + kind)
    problem = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.status_code, problem["status"], problem["success"]) == (
        STATUSES[kind],
        STATUSES[kind],
        False,
    )
    assert problem["detail"] == problem["error"] and not any(
        secret in answer.content.decode() for secret in SECRETS
    )


@pytest.mark.parametrize("kind", ["conflict", "bug", "database"])
async def test_asynchronous_views_are_answered_alike(kind: str) -> None:
    client = AsyncClient(raise_request_exception=False)
    answer = await client.get(f"/probe/fail-async/{kind}", headers=HTMX)
    assert answer.status_code == STATUSES[kind] and "toast" in answer["HX-Trigger"]


def test_words_keep_apart_what_you_may_and_what_the_portal_may(client: Client) -> None:
    assert (
        "The cluster refused the portal: cannot patch pods"
        in client.get("/probe/fail/forbidden").content.decode()
    )


def test_a_lost_answer_asks_to_look_before_repeating(client: Client) -> None:
    toast = client.get("/probe/fail/timed-out", headers=HTMX)["HX-Trigger"]
    assert "look whether it happened before you repeat it" in toast


def test_the_time_to_wait_is_said(client: Client) -> None:
    waits = {kind: client.get(f"/probe/fail/{kind}").headers.get("Retry-After") for kind in ERRORS}
    assert {kind: wait for kind, wait in waits.items() if wait} == {
        "slow-down": "7",
        "unreachable": "5",
        "timed-out": "5",
        "database": "5",
        "redis": "5",
    }


def test_fields_are_named(client: Client) -> None:
    assert client.get("/api/probe/fail/form").json()["errors"] == [
        {"field": "replicas", "message": "At most 20."}
    ]
    causes = client.get("/api/probe/fail/invalid").json()["errors"]
    assert causes == [{"field": "spec.replicas", "message": "must be >= 0"}]


def test_what_stands_in_the_way_is_linked(client: Client) -> None:
    assert client.get("/api/probe/fail/busy").json()["link"] == "/operations/7/"
    assert 'href="/operations/7/"' in client.get("/probe/fail/busy").content.decode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"replicas": "many", "name": 3}',
        b'{"replicas": 1e99, "name": "x"}',
        b"\xff",
    ],
)
def test_json_that_does_not_fit_is_refused_by_field(client: Client, body: bytes) -> None:
    answer = client.post("/api/probe/order", body, content_type="application/json")
    assert answer.status_code in (400, 422) and answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_a_wrong_value_is_not_repeated_in_the_answer(client: Client) -> None:
    body = {"replicas": "hf_secret_token", "name": "x"}
    answer = client.post("/api/probe/order", body, content_type="application/json")
    assert answer.json()["errors"][0]["field"] == "replicas" and b"hf_secret_token" not in answer.content


@pytest.mark.parametrize(
    ("path", "kind"), [("/nowhere", "text/html"), ("/api/nowhere", "application/problem+json")]
)
def test_an_address_that_does_not_exist(path: str, kind: str, client: Client) -> None:
    answer = client.get(path)
    assert answer.status_code == 404 and answer["Content-Type"].startswith(kind)


def test_an_expired_session_leads_the_whole_page_to_the_login(client: Client) -> None:
    headers = {**HTMX, "HX-Current-URL": "http://testserver/audit/?actor=alice"}
    answer = client.get("/accounts/profile/", headers=headers)
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == "/accounts/login/?next=%2Faudit%2F%3Factor%3Dalice"


def test_a_form_of_an_expired_session_is_refused_with_a_toast() -> None:
    answer = Client(enforce_csrf_checks=True).post("/accounts/logout/", headers=HTMX)
    assert answer.status_code == 403 and "Load the page again" in answer["HX-Trigger"]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_problems_are_not_kept_by_caches(client: Client, headers: dict[str, str]) -> None:
    assert client.get("/probe/fail/conflict", headers=headers)["Cache-Control"] == "no-store"


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 10 * 1024 * 1024])
def test_a_body_that_says_it_is_too_large_is_not_read(client: Client, size: int) -> None:
    answer = client.post("/api/probe/order", b"x" * size, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("length", ["-1", "many", "1e3"])
def test_a_length_that_is_no_number_is_refused(client: Client, length: str) -> None:
    assert (
        client.post("/probe/echo", b"x", content_type="text/plain", CONTENT_LENGTH=length).status_code == 400
    )


def test_html_in_words_stays_text(client: Client, alice: User, client_of: Callable[[User], Client]) -> None:
    answer: Any = client_of(alice).get("/<script>alert(1)</script>")
    assert answer.status_code == 404 and b"<script>alert" not in answer.content
