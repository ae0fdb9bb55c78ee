"""Every refusal that a real API server was seen to give becomes one typed error with words for people."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.gateways import errors
from apps.gateways.errors import GatewayError
from apps.gateways.kubernetes.failures import from_answer, from_status, retry_after

WIRE = Path(__file__).parents[1] / "wire"
BY_STATUS = {
    400: errors.Invalid, 401: errors.Unauthorized, 403: errors.Forbidden, 404: errors.NotFound,
    405: errors.Invalid, 406: errors.Invalid, 409: errors.Conflict, 410: errors.Gone,
    415: errors.Invalid, 422: (errors.Invalid, errors.PatchRefused), 429: errors.TooManyRequests,
    500: errors.ServerError, 504: errors.TimedOut,
}  # fmt: skip


def recorded() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(WIRE.glob("[0-9]*.json")):
        for exchange in json.loads(path.read_text()).get("exchanges", []):
            if exchange["response"]["status"] >= 400:
                yield f"{path.stem}: {exchange['note']}", exchange["response"]


def error_of(response: dict[str, Any]) -> GatewayError:
    body = response["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    return from_answer(response["status"], response["headers"], text.encode())


def refusal(word: str) -> GatewayError:
    """The error of the first recorded refusal whose note has this word."""
    return next(error_of(response) for note, response in recorded() if word in note)


def test_every_recorded_refusal_has_its_type_and_words() -> None:
    seen: Counter[int] = Counter()
    for note, response in recorded():
        error = error_of(response)
        seen[response["status"]] += 1
        assert isinstance(error, BY_STATUS[response["status"]]), note
        assert error.status == response["status"] and len(error.message) > 15, note
    print(f"{seen.total()} recorded refusals: {dict(sorted(seen.items()))}")
    assert seen.total() >= 60 and len(seen) >= 10


@pytest.mark.parametrize(
    ("word", "kind", "words"),
    [
        ("403: LIST", errors.Forbidden, "The portal's account may not list pods in namespace “demo”."),
        (
            "a cluster-wide LIST",
            errors.Forbidden,
            "The portal's account may not list nodes in the whole cluster.",
        ),
        ("403: PATCH of one pod", errors.Forbidden, "may not patch pods in namespace “demo”"),
        ("no rights: 403", errors.Forbidden, "may not get pods/log in namespace “demo”"),
        ("over quota", errors.Forbidden, "The namespace's quota does not allow it: gpus, requested:"),
        ("404: unknown name", errors.NotFound, "The cluster has no pod named “nope”."),
        ("404: unknown deployment", errors.NotFound, "The cluster has no deployment named “nope”."),
        ("/scale of an unknown deployment", errors.NotFound, "no deployment named “nope”"),
        ("404: unknown group version", errors.NotFound, "does not know this kind of object"),
        ("PUT with a stale resourceVersion", errors.Conflict, "“plain” was changed by somebody else"),
        ("preconditions.uid mismatch", errors.Conflict, "“d1” is no longer the object you saw."),
        ("another manager, another value", errors.Conflict, '.spec.replicas (conflict with "alice")'),
        ("failing test: 422", errors.PatchRefused, "somebody changed it"),
        ("negative replicas", errors.Invalid, "spec.replicas: Invalid value: -1: must be greater"),
        ("label value of 64 characters", errors.Invalid, "must be no more than 63 characters"),
        ("401: wrong token", errors.Unauthorized, "does not accept the portal's credentials"),
        ("has been compacted", errors.Gone, "has to be listed again"),
        ("unknown container: 400", errors.Invalid, "container nope is not valid"),
    ],
)
def test_the_words(word: str, kind: type[GatewayError], words: str) -> None:
    error = refusal(word)
    assert type(error) is kind
    assert words in error.message


def test_a_taken_name_is_told_from_a_stale_write() -> None:
    taken = from_status({"code": 409, "reason": "AlreadyExists", "message": "x", "details": {"name": "web"}})
    assert isinstance(taken, errors.AlreadyExists) and "“web” exists already" in taken.message


def test_the_causes_of_an_invalid_manifest_are_kept() -> None:
    error = refusal("negative replicas")
    assert isinstance(error, errors.Invalid)
    assert [(cause.field, cause.reason) for cause in error.causes] == [("spec.replicas", "FieldValueInvalid")]


def test_a_disruption_budget_is_told_from_a_busy_server() -> None:
    budget = {"code": 429, "message": "no", "details": {"causes": [{"reason": "DisruptionBudget"}]}}
    assert "disruption budget" in from_status(budget).message
    busy = from_answer(429, {"Retry-After": "7"}, b"")
    assert isinstance(busy, errors.TooManyRequests) and busy.retry_after == 7


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3.0), ("0", 0.0), ("", None), ("-1", None), ("Wed, 21 Oct", None), ("٣", None)],
)
def test_retry_after(header: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": header}) == seconds


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"kind": "Status"}', b'{"kind": "Pod"}']
)
@pytest.mark.parametrize("status", [302, 400, 403, 404, 409, 410, 418, 422, 429, 500, 503])
def test_any_body_gives_an_error_with_words(status: int, body: bytes) -> None:
    error = from_answer(status, {}, body)
    assert error.status == status and error.message
