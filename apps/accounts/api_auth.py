"""How API calls say who they are: a session with CSRF token, or `Authorization: Bearer <token>`; limited
per person.

api = NinjaAPI(auth=authentication)

Endpoints find the person in `request.user` in both cases. Whoever is neither gets 401.
"""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja.errors import AuthenticationError
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from apps.accounts import rates
from apps.accounts.models import ApiToken, User

LAST_USED_STEP = timedelta(minutes=1)


class CsrfMissing(Exception):
    """A write by session without the CSRF token of that session."""

    problem_status = 403
    problem_code = "csrf"


class BearerToken(HttpBearer):
    """A usable token of a person who is active; sets `request.user`."""

    def authenticate(self, request: HttpRequest, token: str) -> User:
        """The token's person.

        A wrong token is 401, even where a session would do: the caller meant the token.
        """
        found = ApiToken.objects.select_related("user").filter(digest=ApiToken.digest_of(token)).first()
        if found is None or not found.usable or not found.user.is_active:
            raise AuthenticationError
        rates.spend("api", found.user.pk, settings.PORTAL_API_RATE)
        touch(found)
        request.user = found.user
        return found.user


class SessionWithCsrf(APIKeyCookie):
    """A logged-in browser; writes need its CSRF token."""

    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> User | None:
        """The session's person, or None (401).

        The login is asked before the CSRF token: strangers get 401.
        """
        if not isinstance(request.user, User):
            return None
        if check_csrf(request) is not None:
            raise CsrfMissing(_("The CSRF token is missing: send it as X-CSRFToken, or use an API token."))
        rates.spend("api", request.user.pk, settings.PORTAL_API_RATE)
        return request.user

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:
        """Unused: `__call__` decides."""
        return None


def touch(token: ApiToken) -> None:
    """Remember the use, at most once a minute: a busy program must not turn reads into writes."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > LAST_USED_STEP:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


authentication = [BearerToken(), SessionWithCsrf()]
