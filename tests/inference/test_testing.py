"""What the model test checks before anything is asked: JSON, paths, seats; and how it writes programs."""

import json
import threading
from typing import Any

import pytest
from django.http import Http404
from django.test import RequestFactory

from apps.accounts.models import User
from apps.accounts.rates import TooOften
from apps.clusters.models import Cluster
from apps.inference import proxy
from apps.inference.json_text import json_problem
from apps.inference.seats import NoSeat, Seats
from apps.inference.testing import CallForm, literal, snippet


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Line 1, column 1"),
        ("{", "Line 1, column 2"),
        ('{"a": 1,\n  "b": }', "Line 2, column 8"),
        ('{"a": 1}\n\nx', "Line 3, column 1"),
        ("{'a': 1}", "Line 1, column 2"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": -Infinity}', "-Infinity is not JSON"),
        ("[" * 200 + "]" * 200, "nested too deeply"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a": "\n"}', "Line 1, column 8"),
    ],
)
def test_json_that_is_none_is_named_by_line_and_column(text: str, words: str) -> None:
    assert words in json_problem(text)


@pytest.mark.parametrize("text", ["{}", "[]", "1", '"x"', "null", '{"a": [1, 2, {"b": "é"}]}', " {} \n"])
def test_json_is_taken(text: str) -> None:
    assert json_problem(text) == ""


def call(**fields: str) -> CallForm:
    """A form with these fields changed."""
    whole = {"service": "default/chat", "method": "POST", "path": "/v1/models", "payload": "{}"}
    return CallForm(whole | fields)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("path", "v1/models", "begins with"),
        ("path", "/v1/../x", "step up"),
        ("path", "/%252e%252e/x", "step up"),
        ("path", "/v1//x", "empty part"),
        ("path", "/v1/models#x", "characters"),
        ("path", "", "required"),
        ("payload", "{", "Line 1"),
        ("service", "chat", "Choose a service"),
        ("service", "a/b/c", "Choose a service"),
        ("method", "DELETE", "valid choice"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field(field: str, value: str, words: str) -> None:
    form = call(**{field: value})
    assert list(form.errors) == [field]
    assert words in form.problem(field)


def test_a_query_is_kept_and_a_get_needs_no_payload() -> None:
    form = call(method="GET", path="/v1/models?limit=3&q=a b", payload="{")
    assert form.is_valid()
    assert form.cleaned_data["path"] == ("v1/models", "limit=3&q=a+b")


def test_hostile_text_stays_inside_the_quotes_of_every_program() -> None:
    text = json.dumps({"a": "'; touch /tmp/x; echo '", "b": "`id` $(id)", "c": '"""'})
    assert "'\"'\"'; touch" in snippet("curl", "https://portal/x", text)
    namespace: dict[str, Any] = {}
    exec(snippet("python", "https://portal/x", text).partition("request = ")[0], namespace)  # noqa: S102  ours
    assert namespace["PAYLOAD"] == json.loads(text)


def test_a_json_value_reads_back_from_its_python() -> None:
    value = {"a": [1, 2.5, None, True, {"b": []}], "é": {}, "x": "\n'\""}
    assert eval(literal(value)) == value  # noqa: S307  our own text


def test_seats_are_counted_for_each_person_and_in_all() -> None:
    seats = Seats(most=3, most_each=2)
    first, second = seats.take(1), seats.take(1)
    with pytest.raises(NoSeat, match="You have 2 model calls running"):
        seats.take(1)
    seats.take(2)
    with pytest.raises(NoSeat, match="Too many model calls"):
        seats.take(3)
    first.leave()
    first.leave()
    assert seats.taken() == 2, "leaving twice frees one seat"
    seats.take(3)
    second.leave()


def test_seats_hold_under_many_threads() -> None:
    seats = Seats(most=1000, most_each=10)
    taken, refused = [], []

    def one() -> None:
        try:
            taken.append(seats.take(1))
        except NoSeat:
            refused.append(1)

    threads = [threading.Thread(target=one) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), len(refused)) == (10, 40)


def test_calls_of_pages_are_counted_with_those_of_programs(
    alice: User, cluster: Cluster, settings: Any
) -> None:
    settings.PORTAL_API_RATE = "1/h"
    asked = (RequestFactory().get("/"), alice, cluster.slug, "default", "nobody", "v1/models")
    with pytest.raises(Http404):
        proxy.counted(*asked)
    with pytest.raises(TooOften):
        proxy.counted(*asked)
