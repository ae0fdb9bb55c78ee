"""How long a login lasts: so long without a request, and never longer than so long in all."""

import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

BEGAN, SEEN = "login_began", "login_seen"
STEP = 60  # seconds between two notes of activity: a busy page must not turn reads into writes


def begin(sender: Any, request: HttpRequest | None = None, **_kwargs: Any) -> None:
    """A login starts both clocks."""
    if request is not None and hasattr(request, "session"):
        request.session[BEGAN] = request.session[SEEN] = int(time.time())


def over(session: SessionBase | Mapping[str, Any], now: float | None = None) -> bool:
    """Whether the login of this session has lasted too long, or was left alone too long."""
    now = time.time() if now is None else now
    began, seen = session.get(BEGAN), session.get(SEEN)
    if began is None or seen is None:  # a login from before there were clocks
        return False
    return bool(now - began > settings.SESSION_COOKIE_AGE or now - seen > settings.SESSION_IDLE_AGE)


class SessionAgeMiddleware(MiddlewareMixin):
    """Ends sessions that are over; notes that the others are used. Stands behind SessionMiddleware."""

    def process_request(self, request: HttpRequest) -> None:
        """Before anybody asks who the person is."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return
        session, now = request.session, int(time.time())
        if over(session, now):
            session.flush()
        elif BEGAN not in session and "_auth_user_id" in session:
            session[BEGAN] = session[SEEN] = now
        elif SEEN in session and now - session[SEEN] > STEP:
            session[SEEN] = now


def connect() -> None:
    """Start the clocks at each login. Called once, when Django is ready."""
    user_logged_in.connect(begin, dispatch_uid="accounts-session-begins")
