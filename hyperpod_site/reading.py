"""What the API takes as a request: JSON and queries whose text the database can hold."""

from collections.abc import Iterator
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from ninja.parser import Parser


class StrictParser(Parser):
    """Refuses NUL characters by the field's name, and JSON that is none: NaN, half surrogates, deep nesting.

    A list or null is refused too: a schema whose fields may all be left out would take it for {}.
    """

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """The body. Raises ValidationError, and orjson.JSONDecodeError for what is no JSON."""
        body = orjson.loads(request.body)
        if not isinstance(body, dict):
            raise ValidationError(_("The request must be a JSON object."))
        refuse_nul(body)
        return body

    def parse_querydict(
        self, data: MultiValueDict[str, str], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        """The query. Raises ValidationError for NUL characters."""
        refuse_nul(dict(data.lists()))
        return super().parse_querydict(data, list_fields, request)


def refuse_nul(fields: dict[str, Any]) -> None:
    """Raise ValidationError that names the fields with a NUL character, however deep: Postgres takes none."""
    wrong = [name for name, value in fields.items() if any("\0" in text for text in texts(value))]
    if wrong:
        raise ValidationError({name: _("Text may not hold NUL characters.") for name in wrong})


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
