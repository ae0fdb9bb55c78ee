"""Refusals of the API server: Python exceptions that know the Status object upstream would send."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Cause:
    """One entry of `details.causes`; `field` is a path such as `spec.replicas`."""

    reason: str
    message: str
    field: str = ""

    def to_json(self) -> Json:
        body = {"reason": self.reason, "message": self.message}
        return {**body, "field": self.field} if self.field else body


@dataclass
class ApiError(Exception):
    """Any answer that is not a success; `to_status()` gives the metav1.Status body."""

    code: int
    reason: str
    message: str
    details: Json | None = None
    metadata: Json = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message

    def to_status(self) -> Json:
        body: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        body["code"] = self.code
        return body


def _details(name: str, group: str, kind: str, **more: Any) -> Json:
    values = {"name": name, "group": group, "kind": kind, **more}
    return {key: value for key, value in values.items() if value not in ("", None, [])}


def _qualified(plural: str, group: str) -> str:
    return f"{plural}.{group}" if group else plural


class NotFound(ApiError):
    """404: no object of this name."""

    def __init__(self, plural: str, name: str, group: str = "") -> None:
        message = f'{_qualified(plural, group)} "{name}" not found'
        super().__init__(404, "NotFound", message, _details(name, group, plural))


class NoSuchResource(ApiError):
    """404: the path names no known resource type."""

    def __init__(self) -> None:
        super().__init__(404, "NotFound", "the server could not find the requested resource", {})


class AlreadyExists(ApiError):
    """409: the name is taken."""

    def __init__(self, plural: str, name: str, group: str = "") -> None:
        message = f'{_qualified(plural, group)} "{name}" already exists'
        super().__init__(409, "AlreadyExists", message, _details(name, group, plural))


class Conflict(ApiError):
    """409: written against an old resourceVersion, or a precondition failed."""

    STALE = "the object has been modified; please apply your changes to the latest version and try again"

    def __init__(self, plural: str, name: str, group: str = "", why: str = "", kind: str = "") -> None:
        what = _qualified(plural, group)
        message = f'Operation cannot be fulfilled on {what} "{name}": {why or self.STALE}'
        super().__init__(409, "Conflict", message, _details(name, group, kind or plural))


class Invalid(ApiError):
    """422: the object breaks a rule; every broken rule is a Cause."""

    def __init__(self, kind: str, name: str, causes: list[Cause], group: str = "") -> None:
        texts = [f"{cause.field}: {cause.message}" if cause.field else cause.message for cause in causes]
        listed = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
        message = (
            f'{_qualified(kind, group)} "{name}" is invalid: {listed}'
            if texts
            else (f'{_qualified(kind, group)} "{name}" is invalid')
        )
        details = _details(name, group, kind, causes=[cause.to_json() for cause in causes])
        super().__init__(422, "Invalid", message, details)


class PatchRefused(ApiError):
    """422 without words: a JSON patch that cannot be applied."""

    def __init__(self) -> None:
        message = "the server rejected our request due to an error in our request"
        super().__init__(422, "Invalid", message, {})


class BadRequest(ApiError):
    """400: the request itself makes no sense."""

    def __init__(self, message: str, reason: str = "BadRequest") -> None:
        super().__init__(400, reason, message)


class Unauthorized(ApiError):
    """401: no such token."""

    def __init__(self) -> None:
        super().__init__(401, "Unauthorized", "Unauthorized")


class Forbidden(ApiError):
    """403 in the form `pods "x" is forbidden: why`."""

    def __init__(self, plural: str, name: str, why: str, group: str = "") -> None:
        what = _qualified(plural, group)
        named = f'{what} "{name}"' if name else what
        super().__init__(403, "Forbidden", f"{named} is forbidden: {why}", _details(name, group, plural))


class Gone(ApiError):
    """410: the revision asked for has been compacted; a LIST gets a fresh continue token."""

    def __init__(self, message: str, *, fresh_token: str = "") -> None:
        metadata = {"continue": fresh_token} if fresh_token else {}
        super().__init__(410, "Expired", message, None, metadata)


class TooManyRequests(ApiError):
    """429: wait `retry_after` seconds, or a disruption budget says no."""

    def __init__(self, message: str, causes: list[Cause] | None = None, retry_after: int = 0) -> None:
        details: Json = {"causes": [cause.to_json() for cause in causes]} if causes else {}
        if retry_after:
            details["retryAfterSeconds"] = retry_after
        super().__init__(429, "TooManyRequests", message, details or None)


class NotAcceptable(ApiError):
    """406: none of the wanted media types can be given."""

    def __init__(self) -> None:
        super().__init__(406, "NotAcceptable", "406: Not Acceptable", {})


class UnsupportedMediaType(ApiError):
    """415: the body's media type cannot be read."""

    def __init__(self, accepted: str = "") -> None:
        listed = (
            f"the body of the request was in an unknown format - accepted media types include: {accepted}"
        )
        message = listed if accepted else "415: Unsupported Media Type"
        super().__init__(415, "UnsupportedMediaType", message, None if accepted else {})


class MethodNotAllowed(ApiError):
    """405 with a Status body."""

    def __init__(self) -> None:
        message = "the server does not allow this method on the requested resource"
        super().__init__(405, "MethodNotAllowed", message, {})


class InternalError(ApiError):
    """500 with upstream's prefix."""

    def __init__(self, message: str) -> None:
        super().__init__(500, "InternalError", message)
