"""From an API server's Status, or from a broken connection, to one of our errors in people's words."""

import re
import socket
import ssl
from collections.abc import Mapping
from typing import Any

import msgspec
import urllib3

from apps.gateways import errors
from apps.gateways.errors import FieldCause, GatewayError
from apps.gateways.kubernetes.resources import RESOURCES

_CANNOT = re.compile(
    r'cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)".*?(?:in the namespace "(?P<ns>[^"]*)")?$'
)
_PATCH_REFUSED = "the server rejected our request due to an error in our request"
_QUOTA = re.compile(r"exceeded quota: .*")


def from_answer(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """The error for an answer of 400 or above, whether its body is a Status or anything else."""
    return from_status(read_status(body), code=status, headers=headers, text=body)


def read_status(body: bytes) -> dict[str, Any]:
    """The Status object in a body, {} when it is none."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) and found.get("kind") == "Status" else {}


def from_status(
    status: Mapping[str, Any], *, code: int = 0, headers: Mapping[str, str] | None = None, text: bytes = b""
) -> GatewayError:
    """The error for a Status object (also the one in a watch's ERROR event)."""
    code = int(status.get("code") or code)
    words = str(status.get("message") or text[:300].decode("utf-8", "replace").strip())
    details = dict(status.get("details") or {})
    rest: dict[str, Any] = {"status": code, "reason": str(status.get("reason") or ""), "details": details}
    if code in (400, 405, 406, 415, 422):
        return _invalid(code, words, details, rest)
    if 300 <= code < 400:
        return errors.ServerError("The server sends us elsewhere. Is it a Kubernetes API server?", **rest)
    if code == 404:
        return errors.NotFound(_not_found(details), **rest)
    if code == 409:
        return _conflict(words, details, rest)
    if code == 429:
        return _too_many(words, headers or {}, details, rest)
    simple = _SIMPLE.get(code) or (errors.ServerError if code >= 500 else GatewayError)
    return simple(_sentence(code, words), **rest)


_SIMPLE: dict[int, type[GatewayError]] = {
    401: errors.Unauthorized,
    403: errors.Forbidden,
    408: errors.TimedOut,
    410: errors.Gone,
    413: errors.TooLarge,
    503: errors.Unreachable,
    504: errors.TimedOut,
}


def _sentence(code: int, words: str) -> str:
    if code == 401:
        return "The cluster does not accept the portal's credentials."
    if code == 403:
        return _forbidden(words)
    if code == 410:
        return "The cluster no longer keeps that revision; everything has to be listed again."
    if code == 413:
        return "That is too large for the cluster."
    if code in (408, 504):
        return "The cluster did not answer in time."
    return f"The cluster could not do it: {words or f'status {code}'}"


def _not_found(details: Mapping[str, Any]) -> str:
    if not details.get("name"):
        return "The cluster does not know this kind of object."
    resource = RESOURCES.get(str(details.get("kind", "")).partition("/")[0])
    noun = resource.noun if resource else str(details.get("kind") or "object")
    return f"The cluster has no {noun} named “{details['name']}”."


def _forbidden(words: str) -> str:
    if found := _CANNOT.search(words):
        where = f"in namespace “{found['ns']}”" if found["ns"] else "in the whole cluster"
        return f"The portal's account may not {found['verb']} {found['resource']} {where}."
    if found := _QUOTA.search(words):
        return f"The namespace's quota does not allow it: {found[0].removeprefix('exceeded quota: ')}"
    return f"The cluster forbids it: {words}"


def _causes(details: Mapping[str, Any]) -> list[FieldCause]:
    return [
        FieldCause(str(cause.get("field", "")), str(cause.get("message", "")), str(cause.get("reason", "")))
        for cause in details.get("causes") or []
        if isinstance(cause, dict)
    ]


def _conflict(words: str, details: Mapping[str, Any], rest: dict[str, Any]) -> GatewayError:
    name = str(details.get("name") or "It")
    if rest["reason"] == "AlreadyExists":
        return errors.AlreadyExists(f"“{name}” exists already.", **rest)
    owned = [cause for cause in _causes(details) if cause.reason == "FieldManagerConflict"]
    if owned:
        fields = ", ".join(f"{cause.field} ({cause.message})" for cause in owned)
        return errors.Conflict(f"Somebody else manages a part of it: {fields}", **rest)
    if "precondition" in words:
        return errors.Conflict(f"“{name}” is no longer the object you saw.", **rest)
    return errors.Conflict(f"“{name}” was changed by somebody else in the meantime.", **rest)


def _invalid(code: int, words: str, details: Mapping[str, Any], rest: dict[str, Any]) -> GatewayError:
    if code == 422 and words == _PATCH_REFUSED and not details:
        return errors.PatchRefused("The object is no longer what it was: somebody changed it.", **rest)
    causes = _causes(details)
    if causes:
        words = "; ".join(f"{cause.field}: {cause.message}" for cause in causes)
    return errors.Invalid(f"The cluster refuses it: {words}", causes=causes, **rest)


def _too_many(
    words: str, headers: Mapping[str, str], details: Mapping[str, Any], rest: dict[str, Any]
) -> GatewayError:
    wait = retry_after(headers)
    if wait is None and details.get("retryAfterSeconds"):
        wait = float(details["retryAfterSeconds"])
    if any(cause.reason == "DisruptionBudget" for cause in _causes(details)):
        return errors.TooManyRequests("A disruption budget forbids it for now.", retry_after=wait, **rest)
    return errors.TooManyRequests("The cluster is busy and asks to try later.", retry_after=wait, **rest)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header; None when there is none or it is a date."""
    value = headers.get("Retry-After") or headers.get("retry-after") or ""
    return float(value) if value.isascii() and value.isdigit() else None


def from_exception(error: BaseException, *, timeout: float, writing: bool) -> GatewayError:
    """The error for a connection that failed; `writing` marks what may have arrived all the same."""
    cause = _root(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        untrusted = errors.Unreachable("The server's certificate is not signed by the given authority.")
        untrusted.retryable = False
        return untrusted
    if isinstance(cause, socket.gaierror):
        return errors.Unreachable("The server's name cannot be resolved.")
    if isinstance(cause, ConnectionRefusedError):
        return errors.Unreachable("The server refuses the connection.")
    if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
        return errors.TimedOut(f"No connection to the server within {timeout:g} s.")
    if isinstance(error, urllib3.exceptions.TimeoutError | TimeoutError):
        return errors.TimedOut(f"The server did not answer within {timeout:g} s.", maybe_done=writing)
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return errors.Unreachable("No connection to the server.")
    return errors.Unreachable("The connection to the server broke.", maybe_done=writing)


def _root(error: BaseException) -> BaseException:
    """The first error of a chain: urllib3 wraps what the operating system said."""
    while True:
        inner = error.__cause__ or error.__context__
        if inner is None:
            reason = getattr(error, "reason", None)
            inner = reason if isinstance(reason, BaseException) and reason is not error else None
        if inner is None:
            return error
        error = inner
