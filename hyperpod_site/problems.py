"""What went wrong, in words: from any error to a status, a sentence, what to do, and the fields that are
meant.

`problem_of` knows the errors that have words of their own. Whatever it does not know stays an unexpected
error, whose words say nothing of our insides. `answers.py` says it in the form that the asker understands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import ninja.errors
from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    ValidationError,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from apps.gateways import errors

RETRY_SECONDS = 5


@dataclass(frozen=True)
class FieldError:
    """One complaint about one field."""

    field: str
    message: str


@dataclass(frozen=True)
class Problem:
    """An answer that is not what was asked for.

    `advice` says what to do; `link` leads to what stands in the way; `facts` are JSON fields for programs.
    """

    status: int
    code: str
    detail: str
    advice: str = ""
    link: str = ""
    errors: list[FieldError] = field(default_factory=list)
    retry_after: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase


def unexpected() -> Problem:
    """What is said of an error that nobody foresaw."""
    return Problem(
        500,
        "unexpected",
        _("Something went wrong on our side."),
        _("It was logged. Try again; if it happens again, tell an admin the request id."),
    )


def problem_of(error: BaseException | None) -> Problem | None:
    """The error in words for whoever asked, or None where it has none."""
    if error is None:
        return None
    if isinstance(error, errors.GatewayError):
        return of_gateway(error)
    if hasattr(error, "problem_status"):
        return of_marked(error)
    return of_framework(error)


def of_marked(error: BaseException) -> Problem:
    """Our own errors: `problem_status`, and where they have them `problem_code`, `problem_link`,
    `problem_facts`, `retry_after`.
    """
    return Problem(
        status=int(getattr(error, "problem_status")),  # noqa: B009  duck-typed: the class belongs to another app
        code=getattr(error, "problem_code", "refused"),
        detail=str(error),
        link=str(getattr(error, "problem_link", "")),
        retry_after=getattr(error, "retry_after", None),
        facts=getattr(error, "problem_facts", {}),
    )


GATEWAY_STATUSES: list[tuple[type[errors.GatewayError], int, str]] = [
    (errors.NotFound, 404, "not_found"),
    (errors.Conflict, 409, "conflict"),
    (errors.Invalid, 422, "invalid"),
    (errors.TooLarge, 413, "too_large"),
    (errors.TooManyRequests, 429, "too_many_requests"),
    (errors.Unreachable, 503, "cluster_unreachable"),
    (errors.TimedOut, 503, "cluster_timed_out"),
    (errors.Forbidden, 502, "cluster_forbids"),
    (errors.Unauthorized, 502, "cluster_refuses_login"),
]


def of_gateway(error: errors.GatewayError) -> Problem:
    """What the cluster (or AWS, or MLflow) said.

    Its refusal of the portal is not a refusal of the person: 502.
    """
    status, code = next(
        ((s, c) for kind, s, c in GATEWAY_STATUSES if isinstance(error, kind)), (502, "cluster_failed")
    )
    return Problem(
        status=status,
        code=code,
        detail=refused_portal(error) or error.message,
        advice=gateway_advice(error),
        errors=[FieldError(cause.field, cause.message) for cause in getattr(error, "causes", [])],
        retry_after=getattr(error, "retry_after", None) or (RETRY_SECONDS if status in (429, 503) else None),
    )


def refused_portal(error: errors.GatewayError) -> str:
    """Words that keep apart "you may not" and "the portal may not"."""
    if not isinstance(error, errors.Forbidden | errors.Unauthorized):
        return ""
    return _("The cluster refused the portal: %(words)s") % {"words": error.message}


def gateway_advice(error: errors.GatewayError) -> str:
    """What to do next."""
    if error.maybe_done:
        return _("The change was sent but no answer came: look whether it happened before you repeat it.")
    if error.retryable:
        return _("Try again in a moment.")
    if isinstance(error, errors.Conflict):
        return _("Somebody was faster: look at the page again, then repeat it.")
    return ""


def of_framework(error: BaseException) -> Problem | None:
    """Errors of Django, ninja, the database and Redis."""
    match error:
        case Http404():
            return Problem(404, "not_found", _("There is nothing here, or nothing that you may see."))
        case PermissionDenied():
            return Problem(403, "permission_denied", str(error) or _("Your role may not do this."))
        case ValidationError():
            return Problem(422, "invalid", " ".join(error.messages), errors=fields_of(error))
        case ninja.errors.ValidationError():
            return Problem(422, "invalid", _("The request does not fit."), errors=ninja_fields_of(error))
        case ninja.errors.HttpError():
            return of_ninja(error)
        case OperationalError() | InterfaceError():
            words = (
                _("The portal's database does not answer."),
                _("Try again in a moment; look first whether it happened."),
            )
            return Problem(503, "database_away", *words, retry_after=RETRY_SECONDS)
        case RedisError():
            words = _("A part of the portal does not answer."), _("Try again in a moment.")
            return Problem(503, "redis_away", *words, retry_after=RETRY_SECONDS)
    return of_request(error)


def of_request(error: BaseException) -> Problem | None:
    """Requests that cannot be read."""
    match error:
        case RequestDataTooBig():
            return too_large()
        case TooManyFieldsSent() | BadRequest() | SuspiciousOperation() | UnreadablePostError():
            return Problem(400, "bad_request", _("The request cannot be read."))
    return None


def too_large() -> Problem:
    """A body over the limit."""
    return Problem(413, "too_large", _("That is too large."), _("Send less than 1 MB at once."))


def of_ninja(error: ninja.errors.HttpError) -> Problem:
    """What a JSON endpoint raised, or ninja itself: 401 without login, 400 for bytes that are not JSON."""
    if error.status_code == 401:
        advice = _("Log in, or send a token of yours: Authorization: Bearer <token>.")
        return Problem(401, "not_logged_in", _("Nobody is logged in, or the token is not valid."), advice)
    return Problem(error.status_code, "refused", str(error), retry_after=getattr(error, "wait", None))


def fields_of(error: ValidationError) -> list[FieldError]:
    """Django's errors by field; those of no field under ""."""
    if not hasattr(error, "error_dict"):
        return [FieldError("", message) for message in error.messages]
    named = error.message_dict.items()
    return [FieldError("" if name == "__all__" else name, text) for name, texts in named for text in texts]


def ninja_fields_of(error: ninja.errors.ValidationError) -> list[FieldError]:
    """Pydantic's errors by field, without the input that they quote (it may be a secret)."""
    parts = [([str(part) for part in item.get("loc", ())], str(item.get("msg", ""))) for item in error.errors]
    return [FieldError(".".join(path[2:] or path[1:] or path), message) for path, message in parts]
