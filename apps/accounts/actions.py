"""What people do to their own accounts. Each tells the audit in the transaction of the change."""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts import rates
from apps.accounts.events import AccountEvent, declare, tell
from apps.accounts.models import ApiToken, User

MOST_TOKENS = 20

LOGGED_IN = declare("accounts.login", gettext_lazy("Log in"))
LOGGED_OUT = declare("accounts.logout", gettext_lazy("Log out"))
PASSWORD_CHANGED = declare("accounts.change_password", gettext_lazy("Change password"))
TOKEN_MADE = declare("accounts.make_token", gettext_lazy("Make API token"))
TOKEN_REVOKED = declare("accounts.revoke_token", gettext_lazy("Revoke API token"))


def make_token(*, by: User, name: str, days: int) -> tuple[ApiToken, str]:
    """A token and its text, to be shown once. ValidationError when the person has too many already."""
    with transaction.atomic():
        User.objects.select_for_update().get(
            pk=by.pk
        )  # two requests at once must not both take the last place
        usable = by.api_tokens.filter(revoked_at=None, expires_at__gt=timezone.now()).count()
        if usable >= MOST_TOKENS:
            raise ValidationError(_("You have %(count)s tokens; revoke one first.") % {"count": usable})
        token, text = ApiToken.issue(user=by, name=name, expires_at=timezone.now() + timedelta(days=days))
        after = {"begins_with": token.prefix, "expires": token.expires_at.isoformat()}
        tell(AccountEvent.by(by, TOKEN_MADE, kind="API token", name=name, after=after))
    return token, text


def revoke_token(*, by: User, token: ApiToken) -> None:
    """The token stops working at once; a second time changes nothing."""
    with transaction.atomic():
        if not ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
            return
        before = {"begins_with": token.prefix, "belongs_to": token.user.get_username()}
        tell(AccountEvent.by(by, TOKEN_REVOKED, kind="API token", name=token.name, before=before))


def note_login(user: User) -> None:
    """Somebody logged in."""
    tell(AccountEvent.by(user, LOGGED_IN))


def note_logout(user: User) -> None:
    """Somebody logged out."""
    tell(AccountEvent.by(user, LOGGED_OUT))


def note_failed_login(username: str, *, locked: bool) -> None:
    """Somebody tried.

    Only attempts on people who exist are told: guesses at names are the throttle's business.
    """
    if not User.objects.filter(username=username).exists() or (locked and told_lately(username)):
        return
    words = _("Too many wrong passwords: locked for a while.") if locked else _("Wrong password.")
    tell(AccountEvent.by(None, LOGGED_IN, kind="person", name=username, outcome="denied", message=words))


def told_lately(username: str) -> bool:
    """Whether the lock of this name was told in the last hour: who goes on trying must not fill the audit."""
    try:
        rates.spend("lock told", username, "1/h")
    except rates.TooOften:
        return True
    return False


def note_password(user: User) -> None:
    """Somebody changed their password; their other sessions end with it."""
    tell(AccountEvent.by(user, PASSWORD_CHANGED))
