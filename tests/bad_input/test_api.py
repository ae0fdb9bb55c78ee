"""Every operation of the JSON API with bodies, fields, arguments and queries that make no sense."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from apps.operations.models import Operation as Row
from tests.bad_input.answers import counted, harmless, problem
from tests.bad_input.hostile import NO_JSON, NUMBER_PARTS, NUMBERS, PATH_PARTS, TEXTS
from tests.bad_input.schema import (
    VALID,
    Operation,
    known_callables,
    operations,
    text_fields,
    view_of,
    wrong_fields,
)

pytestmark = pytest.mark.django_db
LETS_GO = pytest.mark.django_db(transaction=True)  # a model's call does not keep a database connection


def marked(asked: Operation) -> Any:
    return pytest.param(asked, id=str(asked), marks=[LETS_GO] if "proxy" in asked.path else [])


ALL = operations()
WITH_BODY = [operation for operation in ALL if operation.body is not None]
BODIES = pytest.mark.parametrize("asked", [marked(asked) for asked in WITH_BODY])
EVERYTHING = pytest.mark.parametrize("asked", [marked(asked) for asked in ALL])
DONE_OR_REFUSED = (200, 201, 202, 400, 404, 409, 422)


def send(client: Client, asked: Operation, url: str, body: Any) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.generic(asked.method, url, content, content_type="application/json")


def test_every_operation_has_its_case() -> None:
    assert {str(asked) for asked in WITH_BODY} == VALID.keys(), "bodies without a case in schema.VALID"
    assert known_callables() - {view_of(asked.url()) for asked in ALL} <= {"api:deployment_list"}
    assert len(ALL) > 30


@BODIES
def test_what_is_no_fitting_json_is_a_problem(operator: Client, operation: Row, asked: Operation) -> None:
    before = counted()
    for name, body in NO_JSON.items():
        if name == "nothing" and "cancel" in asked.path:
            continue  # its body may be left out
        answer = send(operator, asked, asked.url(pk=str(operation.pk)), body)
        assert answer.status_code in (400, 422), (name, answer.status_code)
        problem(answer)
    assert counted() == before


@BODIES
def test_a_wrong_type_is_named_by_field(operator: Client, operation: Row, asked: Operation) -> None:
    before, tried = counted(), 0
    for field, value in wrong_fields(asked):
        body = {**asked.valid(), field: value}
        said = problem(answer := send(operator, asked, asked.url(pk=str(operation.pk)), body))
        assert answer.status_code == 422, (field, value, answer.content[:200])
        assert field in {error["field"].split(".")[0] for error in said["errors"]}, (field, value, said)
        tried += 1
    assert counted() == before
    print(f"{asked}: {tried} wrong types refused")


@BODIES
def test_a_missing_field_is_named(operator: Client, operation: Row, asked: Operation) -> None:
    assert asked.body is not None
    before = counted()
    for field in asked.body.get("required", []):
        body = {name: value for name, value in asked.valid().items() if name != field}
        said = problem(send(operator, asked, asked.url(pk=str(operation.pk)), body))
        assert (said["status"], said["errors"][0]["field"]) == (422, field)
    assert counted() == before


@BODIES
def test_hostile_text_in_any_field_is_taken_as_text_or_refused(
    operator: Client, operation: Row, asked: Operation, undone: Any
) -> None:
    for field in text_fields(asked):
        for name, text in TEXTS.items():
            with undone():
                answer = send(
                    operator, asked, asked.url(pk=str(operation.pk)), {**asked.valid(), field: text}
                )
            assert answer.status_code in DONE_OR_REFUSED, (field, name, answer.content[:300])
            if answer.status_code >= 400:
                problem(answer)


@EVERYTHING
def test_forged_path_arguments_lead_nowhere(operator: Client, operation: Row, asked: Operation) -> None:
    before, tried = counted(), 0
    for where, name, kind in asked.inputs:
        for part in (NUMBER_PARTS if kind == "integer" else PATH_PARTS) if where == "path" else ():
            url = asked.url(**{"pk": str(operation.pk), name: part})
            answer = send(operator, asked, url, VALID.get(str(asked), {}))
            reached = answer.status_code in (200, 201, 202)
            assert answer.status_code in DONE_OR_REFUSED, (url, answer.status_code, answer.content[:300])
            assert not reached or answer.content in (b"[]",), (url, answer.content[:300])
            tried += 1
    assert counted() == before


@EVERYTHING
def test_odd_queries_are_refused_or_harmless(operator: Client, operation: Row, asked: Operation) -> None:
    before = counted()
    for where, name, kind in asked.inputs:
        for text in (NUMBERS if kind != "string" else TEXTS.values()) if where == "query" else ():
            if not text.strip() or (asked.method != "GET" and name != "cluster" and kind == "string"):
                continue
            url = f"{asked.url(pk=str(operation.pk))}?{name}={quote(text.encode('utf-8', 'surrogatepass'))}"
            answer = send(operator, asked, url, VALID.get(str(asked), {}))
            harmless(answer, allowed=(200, 400, 404, 422))
    assert counted() == before


@pytest.mark.parametrize("asked", [item for item in WITH_BODY if item.takes("header")], ids=str)
def test_hostile_request_keys_are_refused(operator: Client, asked: Operation) -> None:
    for text in TEXTS.values():
        body, kind = json.dumps(asked.valid()), "application/json"
        answer = operator.generic(
            asked.method, asked.url(), body, content_type=kind, HTTP_IDEMPOTENCY_KEY=text
        )
        assert answer.status_code == 422 and problem(answer)["errors"][0]["field"] in (
            "Idempotency-Key",
            "key",
        )
