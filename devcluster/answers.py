"""Which requests a mishap hits, and the bad answers that they get."""

from __future__ import annotations

import re
from typing import Protocol

from devcluster.auth import User
from devcluster.errors import ApiError, Conflict, TooManyRequests
from devcluster.objects import Json

ANSWERS = {
    409: ("Conflict", f"Operation cannot be fulfilled: {Conflict.STALE}"),
    410: ("Expired", "The provided continue parameter is too old to display a consistent list result."),
    422: ("Invalid", "the server rejected our request due to an error in our request"),
    500: ("InternalError", "Internal error occurred: etcdserver: request timed out"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
}


class Asked(Protocol):
    """What the API tells of a request."""

    method: str
    path: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    user: User


def fits(body: Json, request: Asked) -> bool:
    """Every given field agrees; a path is a regular expression found anywhere in it."""
    plain = ("verb", "resource", "subresource", "namespace", "name", "method")
    if any(body.get(field) and str(body[field]) != getattr(request, field) for field in plain):
        return False
    if body.get("user", request.user.name) != request.user.name:
        return False
    return re.search(str(body.get("path", "")), request.path) is not None


def error_for(body: Json) -> ApiError:
    status = int(body["status"])
    if status == 429:
        return TooManyRequests(
            "too many requests, please try again later", retry_after=int(body.get("retry_after", 1))
        )
    reason, message = ANSWERS[status]
    return ApiError(status, reason, str(body.get("message", message)))
