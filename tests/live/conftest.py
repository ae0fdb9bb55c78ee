"""Live parts of the tests' own, logged-in pages, and an event loop that ends without leftovers."""

import asyncio
import copy
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from apps.accounts.models import User
from apps.live import publish, tokens
from apps.live.hub import stop_hub
from apps.live.routing import sockets
from tests.live import parts
from tests.live.page import Page

DEADLINE = 15.0
ORIGIN = "http://testserver"


@pytest.fixture(autouse=True)
def live_parts(settings: Any) -> Iterator[None]:
    templates = copy.deepcopy(django_settings.TEMPLATES)
    templates[0]["DIRS"].append(Path(__file__).parent / "templates")
    settings.TEMPLATES = templates
    parts.register()
    yield
    publish.flush()
    parts.unregister()


@pytest.fixture
async def loop_end() -> AsyncIterator[None]:
    yield
    await stop_hub()


def session_of(user: User, seconds: int = 3600) -> str:
    store = import_module(django_settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.set_expiry(seconds)
    store.create()
    return str(store.session_key)


def token(
    user: User,
    session: str,
    name: str,
    dom_id: str,
    *,
    seconds: int = 60,
    kind: Any = "fragment",
    **args: Any,
) -> str:
    ticket = tokens.Ticket(
        kind, name, args, dom_id, "en", user.pk, tokens.session_mark(session), int(time.time()) + seconds
    )
    return tokens.sign(ticket)


async def eventually(look: Callable[[], Any], what: str = "", seconds: float = DEADLINE) -> Any:
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.02)
    return found


class Visit:
    """One open page of one person."""

    def __init__(self, user: User, session: str, *, origin: str = ORIGIN) -> None:
        self.user, self.session, self.page, self.code = user, session, Page(), 0
        cookie = f"{django_settings.SESSION_COOKIE_NAME}={session}"
        headers = [(b"host", b"testserver"), (b"cookie", cookie.encode())]
        headers += [(b"origin", origin.encode())] if origin else []
        self._scope = {"type": "websocket", "path": "/ws/page/", "headers": headers}
        self._to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._accepted = asyncio.Event()
        self.slow = asyncio.Event()  # cleared: the page takes nothing more
        self.slow.set()
        self._server: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await self._to_server.put({"type": "websocket.connect"})
        self._server = asyncio.create_task(sockets(self._scope, self._to_server.get, self._take))
        await eventually(lambda: self._accepted.is_set() or self.code, "an answer")

    @property
    def accepted(self) -> bool:
        return self._accepted.is_set()

    async def _take(self, message: dict[str, Any]) -> None:
        await self.slow.wait()
        match message["type"]:
            case "websocket.accept":
                self._accepted.set()
            case "websocket.close":
                self.code = message["code"]
            case _:
                self.page.take(message["text"])

    async def say(self, message: Any) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        await self._to_server.put({"type": "websocket.receive", "text": text})

    async def join(
        self, name: str, dom_id: str, *, cursor: int | None = None, kind: str = "fragment", **args: Any
    ) -> None:
        signed = token(self.user, self.session, name, dom_id, kind=kind, **args)
        await self.say({"join": [[signed, cursor]]})

    async def shows(self, dom_id: str, text: str) -> str:
        await eventually(
            lambda: text in self.page.elements.get(dom_id, ""), f"{text} in {dom_id}: {self.page.elements}"
        )
        return self.page.elements[dom_id]

    async def misses(self, dom_id: str, text: str) -> str:
        await eventually(
            lambda: text not in self.page.elements[dom_id], f"no {text} in {dom_id}: {self.page.elements}"
        )
        return self.page.elements[dom_id]

    async def closes(self, code: int) -> None:
        await eventually(lambda: self.code == code, f"closed with {code}, is {self.code}")

    async def leave(self) -> None:
        self.slow.set()
        await self._to_server.put({"type": "websocket.disconnect", "code": 1001})
        if self._server is not None:
            await asyncio.wait_for(self._server, DEADLINE)
            self._server = None


@pytest.fixture
async def visit(transactional_db: None, loop_end: None) -> AsyncIterator[Callable[..., Awaitable[Visit]]]:
    """`await visit(user)`: an open page with a fresh session."""
    from apps.live.db import db

    visits: list[Visit] = []

    async def open_page(user: User, *, session: str = "", **more: Any) -> Visit:
        made = Visit(user, session or await db(session_of, user), **more)
        visits.append(made)
        await made.open()
        return made

    yield open_page
    for made in visits:
        await made.leave()
