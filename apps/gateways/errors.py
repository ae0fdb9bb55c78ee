"""What can go wrong outside, as one family of exceptions with a sentence for people in each.

Raised in the gateways, caught once at the edge (pages, API, runners). No message ever holds a credential.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FieldCause:
    """One complaint about one field of a manifest, as the API server names it."""

    field: str
    message: str
    reason: str = ""


class GatewayError(Exception):
    """Something outside refused, failed or did not answer.

    `message` is for people. `status` is the HTTP status, None when there was no answer. `reason` is the
    server's word (`NotFound`, `Conflict`, ...) or ours. `details` is the `details` of a Kubernetes Status.
    `retryable` says that the same call may work later. `maybe_done` says that a write was sent but its
    answer never came: look before you repeat it.
    """

    retryable: bool = False

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        reason: str = "",
        details: dict[str, Any] | None = None,
        maybe_done: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.reason = reason or type(self).__name__
        self.details = details or {}
        self.maybe_done = maybe_done

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r}, status={self.status}, reason={self.reason!r})"


class NotFound(GatewayError):
    """No such object, or no such kind of object (404)."""


class Conflict(GatewayError):
    """The object is not what the caller thought it was (409)."""


class AlreadyExists(Conflict):
    """An object of that name exists (409)."""


class PatchRefused(Conflict):
    """A JSON patch did not apply (422).

    The API server does not say why: a `test` failed, or a path does not exist. Read the object again.
    """


class Forbidden(GatewayError):
    """The portal's account lacks the right, or a quota or policy refuses (403)."""


class Unauthorized(GatewayError):
    """The credentials are not accepted (401)."""


class Invalid(GatewayError):
    """The request makes no sense to the server, or to us before it was sent (400, 405, 415, 422)."""

    def __init__(self, message: str, *, causes: list[FieldCause] | None = None, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.causes = causes or []


class Gone(GatewayError):
    """The wanted revision or continue token is no longer kept: list again (410)."""


class TooLarge(GatewayError):
    """A body is larger than allowed (413, or our own cap)."""


class TooManyRequests(GatewayError):
    """The server asks to slow down, or a disruption budget forbids an eviction (429)."""

    retryable = True

    def __init__(self, message: str, *, retry_after: float | None = None, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.retry_after = retry_after


class Unreachable(GatewayError):
    """No connection, a broken one, or nobody behind a service (503)."""

    retryable = True


class TimedOut(GatewayError):
    """No answer in time (or 504)."""

    retryable = True


class ServerError(GatewayError):
    """The other side failed (5xx), or answered with something that is not what it should be."""

    retryable = True
