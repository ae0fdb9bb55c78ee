"""What a page may follow, signed: a fragment or stream, its arguments, for one person's session until it
ends.

The token stands in the page beside the fragment's element and comes back through the socket or the polling
URL. It is of no use to another person or session, and grants nothing: permissions are asked again each time.
"""

import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from django.core import signing

SALT = "live.page"
MAX_LENGTH = 4096
MAX_AGE = 24 * 3600


class BadToken(Exception):
    """Forged, expired, too long, or made for somebody else."""


@dataclass(frozen=True)
class Ticket:
    """One fragment or stream of one page, for one person's session."""

    kind: Literal["fragment", "stream"]
    name: str
    args: dict[str, Any]
    dom_id: str
    language: str
    user_pk: int
    session: str
    expires: int


def session_mark(session_key: str | None) -> str:
    """A session as the token names it: a digest, since the key itself is a password."""
    return sha256((session_key or "").encode()).hexdigest()[:24]


def expiry_of(session: Any) -> int:
    """When the session ends, in seconds since 1970, at most a day from now."""
    return int(time.time() + min(session.get_expiry_age(), MAX_AGE))


def sign(ticket: Ticket) -> str:
    """The ticket as text that only we can write."""
    content = [
        ticket.kind, ticket.name, ticket.args, ticket.dom_id, ticket.language, ticket.user_pk, ticket.session,
        ticket.expires,
    ]  # fmt: skip
    return signing.dumps(content, salt=SALT, compress=True)


def read(token: str, *, user_pk: int, session_key: str | None) -> Ticket:
    """The ticket, if it was made for this person's session and is still good; else BadToken."""
    if not isinstance(token, str) or len(token) > MAX_LENGTH:
        raise BadToken("not a token")
    try:
        ticket = Ticket(*signing.loads(token, salt=SALT))
    except (signing.BadSignature, TypeError, ValueError) as error:
        raise BadToken("not signed by us") from error
    if ticket.user_pk != user_pk or ticket.session != session_mark(session_key):
        raise BadToken("made for somebody else")
    if ticket.expires < time.time():
        raise BadToken("expired")
    return ticket
