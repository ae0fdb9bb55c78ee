"""People with browsers for measurements: a viewer's session, and the pages that they hold open."""

import json
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from hyperpod_site.stack.stack import Stack

TOKENS = re.compile(r'data-live="([^"]+)"')


@dataclass(frozen=True)
class Visitor:
    """A logged-in viewer and the part of a page that they follow."""

    cookie: str
    token: str
    kind: str
    path: str

    def fragment_url(self, stack: Stack) -> str:
        """The part as a plain URL."""
        return f"{stack.url}/live/fragment/{self.token}/"


class OpenPages:
    """The process that holds the open pages (live_clients.py); returns when each has its first state."""

    program = "bench.live_clients"

    def __init__(self, stack: Stack, visitor: Visitor, pages: int) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", self.program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pages, self.pid = pages, self._child.pid
        self.say(json.dumps({"url": stack.url, "pages": pages, **asdict(visitor)}))
        if self._hear() != "ready":
            raise RuntimeError("the pages did not open")

    def say(self, line: str) -> None:
        """One line to the pages."""
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def reached(self) -> int:
        """How far the slowest page has read its stream."""
        self.say("reached")
        return int(self._hear())

    def showing(self, rows: dict[str, int]) -> int:
        """How many pages show exactly these rows."""
        self.say("shown")
        return sum(count for shown, count in json.loads(self._hear()) if shown == rows)

    def end(self) -> dict[str, Any]:
        """Close the pages and hear what they saw."""
        self.say("end")
        seen: dict[str, Any] = json.loads(self._hear())
        self._child.wait(30)
        return seen

    def _hear(self) -> str:
        assert self._child.stdout is not None
        return self._child.stdout.readline().strip()


class OpenBrowsers(OpenPages):
    """The same with a real browser for each page (browsers.py)."""

    program = "bench.browsers"


def viewer() -> Any:
    """A new person who may see everything."""
    from apps.accounts.models import Grant, Role, User

    user = User.objects.create_user("bench-viewer")
    Grant.objects.create(user=user, role=Role.VIEWER)
    return user


def cookie_of(user: Any) -> str:
    """A session of that person, as the cookie header of a browser."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def visit(stack: Stack, cookie: str, path: str, *, part: str, kind: str = "fragment") -> Visitor:
    """Open a page once and take from it the token of the part of this name, a fragment or a stream."""
    page = httpx.get(f"{stack.url}{path}", headers={"Cookie": cookie}, timeout=60)
    page.raise_for_status()
    found = next(token for token in TOKENS.findall(page.text) if part_of(token) == part)
    return Visitor(cookie, found, kind, path)


def part_of(token: str) -> str:
    """The name of the fragment or stream that a page's token is for."""
    from django.core import signing

    from apps.live.tokens import SALT

    return str(signing.loads(token, salt=SALT)[1])
