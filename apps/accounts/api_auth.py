"""How API calls say who they are: a session with CSRF token, or `Authorization: Bearer <token>`."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer, SessionAuth

from apps.accounts.models import ApiToken, User

LAST_USED_STEP = timedelta(minutes=1)


class BearerToken(HttpBearer):
    """A token of a person who is active; sets `request.user`."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """The person whose token it is, or None."""
        found = ApiToken.objects.select_related("user").filter(digest=ApiToken.digest_of(token)).first()
        if found is None or not found.usable or not found.user.is_active:
            return None
        touch(found)
        request.user = found.user
        return found.user


class SessionWithCsrf(SessionAuth):
    """A logged-in browser; writes need its CSRF token."""

    param_name = settings.SESSION_COOKIE_NAME


def touch(token: ApiToken) -> None:
    """Remember the use, at most once a minute: a busy program must not turn reads into writes."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > LAST_USED_STEP:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


authentication = [BearerToken(), SessionWithCsrf(csrf=True)]
