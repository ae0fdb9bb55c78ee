"""Who stands behind a socket: the origin, the session, the person, and what their tickets still allow."""

from collections.abc import Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.http.request import split_domain_port, validate_host
from django.utils.crypto import constant_time_compare

from apps.accounts import policy
from apps.accounts.sessions import over
from apps.live import fragments, streams
from apps.live.tokens import Ticket
from apps.live.viewers import Viewer

Scope = dict[str, Any]


def header(scope: Scope, name: bytes) -> str:
    """The header's only value, "" when it is missing or given twice."""
    values = [value for key, value in scope.get("headers", ()) if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""


def same_origin(scope: Scope) -> bool:
    """Whether the page that opens the socket is ours: the address people type, or the allowed host that was
    asked.

    Browsers always say where a page is from and let no script change it; a socket without an Origin is
    refused.
    """
    origin = header(scope, b"origin").lower()
    if not origin:
        return False
    if origin == settings.PORTAL_ORIGIN.lower():
        return True
    parts = urlsplit(origin)
    host = header(scope, b"host").lower()
    domain, _port = split_domain_port(host)
    return (
        parts.scheme in ("http", "https")
        and parts.netloc == host
        and validate_host(domain, settings.ALLOWED_HOSTS)
    )


def session_key(scope: Scope) -> str:
    """The session cookie's value, "" when there is none."""
    try:
        cookies = SimpleCookie(header(scope, b"cookie"))
    except CookieError:
        return ""
    found = cookies.get(settings.SESSION_COOKIE_NAME)
    return found.value if found else ""


def person(key: str) -> Any | None:
    """The active person whose session this is now: not expired, not logged out, no other password since. Else
    None.
    """
    if not key:
        return None
    session = import_module(settings.SESSION_ENGINE).SessionStore(key).load()
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS or over(session):
        return None
    user = get_user_model()._default_manager.filter(pk=session.get(SESSION_KEY), is_active=True).first()
    if user is None or not constant_time_compare(
        session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()
    ):
        return None
    return user


@dataclass(frozen=True)
class Pass:
    """What one ticket allows now: `viewer` is None when the person may not see it (any more)."""

    ticket: Ticket
    viewer: Viewer | None


def passes(user: Any, tickets: Iterable[Ticket]) -> list[Pass]:
    """Ask for each ticket whether the person may see it now, and as whom."""
    return [Pass(ticket, _viewer(user, ticket)) for ticket in tickets]


def _viewer(user: Any, ticket: Ticket) -> Viewer | None:
    """None also for what nobody registers any more: the page is from before a release."""
    key = policy.role_key(user, str(ticket.args.get("cluster", "")))
    viewer = Viewer(role_key=key, language=ticket.language)
    known = fragments.fragment_named if ticket.kind == "fragment" else streams.stream_named
    try:
        return viewer if known(ticket.name).may(viewer, ticket.args) else None
    except (KeyError, TypeError):
        return None
