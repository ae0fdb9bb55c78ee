"""Broken rules in upstream's words: the causes of a 422, and the rules of names, labels and quantities."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson

from devcluster.errors import Cause
from devcluster.quantities import quantity

Json = dict[str, Any]
Causes = Iterator[Cause]

LABEL_NAME = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
DNS_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
DNS_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{DNS_LABEL}(\.{DNS_LABEL})*"
BAD_VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    f"for validation is '({LABEL_NAME})?')"
)
BAD_KEY = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    f"'{LABEL_NAME}')"
)
BAD_SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    f"'{SUBDOMAIN}')"
)
BAD_LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    f"'{DNS_LABEL}')"
)
BAD_1035 = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for "
    f"validation is '{DNS_1035}')"
)
IMMUTABLE = "field is immutable"
NOT_NEGATIVE = "must be greater than or equal to 0"
PORT_RANGE = "must be between 1 and 65535, inclusive"
QUANTITY = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(m|u|n|k|[KMGTPE]i?|[eE][+-]?\d+)?")
BAD_QUANTITY = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def parse_quantity(text: Any) -> Decimal | None:
    """A quantity as a number; None when it is none."""
    return quantity(text) if QUANTITY.fullmatch(str(text)) else None


def invalid(field: str, value: Any, why: str) -> Cause:
    """FieldValueInvalid with the value as Go would print it."""
    return Cause("FieldValueInvalid", f"Invalid value: {go_value(value)}: {why}", field)


def required(field: str, why: str = "") -> Cause:
    return Cause("FieldValueRequired", f"Required value: {why}" if why else "Required value", field)


def forbidden(field: str, why: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {why}", field)


def unsupported(field: str, value: Any, allowed: tuple[str, ...]) -> Cause:
    listed = ", ".join(f'"{item}"' for item in allowed)
    return Cause(
        "FieldValueNotSupported", f"Unsupported value: {go_value(value)}: supported values: {listed}", field
    )


def go_value(value: Any) -> str:
    """A value as Go's %#v or JSON prints it in upstream's texts."""
    if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
        inside = ", ".join(f'"{key}":"{item}"' for key, item in sorted(value.items()))
        return f"map[string]string{{{inside}}}"
    return orjson.dumps(value).decode()


def matched(field: str, value: str, pattern: str, limit: int, why: str) -> Causes:
    if len(value) > limit:
        yield invalid(field, value, f"must be no more than {limit} characters")
    if not re.fullmatch(pattern, value):
        yield invalid(field, value, why)


def labels(values: dict[str, str], field: str) -> Causes:
    """Rules of label keys and values."""
    for key, value in values.items():
        yield from qualified(field, key)
        if len(value) > 63:
            yield invalid(field, value, "must be no more than 63 characters")
        elif value and not re.fullmatch(LABEL_NAME, value):
            yield invalid(field, value, BAD_VALUE)


def qualified(field: str, key: str) -> Causes:
    prefix, slash, name = key.rpartition("/")
    if slash and not re.fullmatch(SUBDOMAIN, prefix):
        yield invalid(field, key, "prefix part " + BAD_SUBDOMAIN)
    if not name:
        yield invalid(field, key, "name part must be non-empty")
    elif len(name) > 63:
        yield invalid(field, key, "name part must be no more than 63 characters")
    elif not re.fullmatch(LABEL_NAME, name):
        yield invalid(field, key, BAD_KEY)
