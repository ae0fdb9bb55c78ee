"""CEL as admission policies use it."""

from typing import Any

import pytest

from devcluster.cel import CelError, compiled

POD = {"metadata": {"name": "llm-1", "labels": {"business": "production", "a/b": "c"}}, "spec": {"n": 3}}
SCOPE: dict[str, Any] = {"object": POD, "request": {"userInfo": {"username": "alice"}}, "oldObject": None}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("object.spec.n == 3 && object.spec.n < 4", True),
        ("object.metadata.labels.business in ['unassigned', \"retiring\"]", False),
        ("!(object.metadata.labels.business in ['unassigned'])", True),
        ("object.metadata.labels['a/b'] == 'c'", True),
        ("has(object.metadata.labels.absent)", False),
        ("has(object.metadata.labels) && 'a/b' in object.metadata.labels", True),
        ("oldObject == null ? 1 : 2", 1),
        ("object.missing.field == 1 || true", True),
        ("object.missing.field == 1 && false", False),
        ("request.userInfo.username.startsWith('al') ? 'yes' : 'no'", "yes"),
        ("size(object.metadata.labels) + 1", 3),
        ("'it\\'s ' + object.metadata.name", "it's llm-1"),
        ("object.metadata.name.matches('^llm-[0-9]$') && object.metadata.name.contains('m-')", True),
    ],
)
def test_expressions_have_the_values_of_cel(text: str, value: object) -> None:
    assert compiled(text)(SCOPE) == value


@pytest.mark.parametrize("text", ["object.missing", "nobody == 1", "'a' + 1", "1 < 'a'"])
def test_what_has_no_value_is_an_error(text: str) -> None:
    with pytest.raises(CelError):
        compiled(text)(SCOPE)


@pytest.mark.parametrize("text", ["", "object.", "(1", "1 1", "a = b", "object.name.map(x, x)"])
def test_what_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(CelError):
        compiled(text)
