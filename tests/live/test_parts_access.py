"""Every live part of every page against every role, at the socket and at its plain URL; see LIVE_PARTS in
access_table.py.
"""

import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Grant, Role, User
from apps.live import fragments, streams, tokens
from apps.live.db import db
from apps.live.logs import followers
from apps.live.routing import PATH, sockets
from apps.live.tokens import Ticket
from tests.access_table import JOINED, LIVE_PARTS, ONLOOKERS, ROWS, STRANGER_CODE, make_world
from tests.live.conftest import Visit, eventually, session_of, token

Open = Callable[..., Awaitable[Visit]]
LIVE = re.compile(r'data-live="([^"]+)"')
NOBODYS_SESSION = "a" * 32
# Pages whose parts depend on what is asked of them.
VIEWS: dict[str, list[dict[str, str]]] = {
    "inference:deploy": [{}, {"show": "services"}, {"show": "deployments"}],
}
# Parts that a page shows only while its cluster answers, or only of several clusters.
LOG = {"cluster": "demo", "namespace": "default", "pod": "chat-1", "container": "server", "previous": False}
NOT_IN_THE_WORLD: dict[str, tuple[Literal["fragment", "stream"], dict[str, Any]]] = {
    "inference.pod_log": ("stream", LOG),
    "inference.pod_log_state": ("fragment", LOG),
    "site.cluster": ("fragment", {"cluster": "demo"}),
}


@pytest.fixture
def onlookers(
    transactional_db: None, alice: User, bob: User, charlie: User, root: User
) -> Iterator[dict[str, User]]:
    """Everybody of the table but the stranger; dora sees another cluster only."""
    dora = User.objects.create_user("dora")
    Grant.objects.create(user=dora, role=Role.ADMIN, cluster="elsewhere")
    yield {"charlie": charlie, "bob": bob, "alice": alice, "root": root, "dora": dora}
    followers.stop_all()


def tickets(root: User) -> dict[str, Ticket]:
    """What the pages of the site follow when an admin opens them: one ticket of each fragment and stream."""
    make_world()
    browser = Client()
    browser.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    key, found = str(browser.session.session_key), made_up(root)
    for name, row in ROWS.items():
        if row.method == "GET" and row.statuses[-1] == 200 and not row.committed:
            url, queries = reverse(name, kwargs=dict(row.arguments())), VIEWS.get(name, [row.data])
            for page in [browser.get(url, dict(query)) for query in queries]:
                texts = LIVE.findall("" if page.streaming else page.content.decode())
                read = [tokens.read(text, user_pk=root.pk, session_key=key) for text in texts]
                found.update({ticket.name: ticket for ticket in read})
    return found


def made_up(root: User) -> dict[str, Ticket]:
    """Tickets for the parts that no page shows here."""
    later = int(time.time()) + 600
    return {
        name: Ticket(kind, name, args, "part", "en", root.pk, "", later)
        for name, (kind, args) in NOT_IN_THE_WORLD.items()
    }


def ticket_of(ticket: Ticket, user: User, session: str) -> str:
    """The same part for somebody else's page, signed."""
    mark = tokens.session_mark(session)
    return tokens.sign(replace(ticket, dom_id="part", user_pk=user.pk, session=mark))


def registered() -> set[str]:
    every = [*fragments.registered(), *streams.registered()]
    return {part.name for part in every if not part.name.startswith("live_test.")}


def test_every_live_part_has_a_row() -> None:
    assert registered() - LIVE_PARTS.keys() == set(), "live parts without a row in access_table.LIVE_PARTS"
    assert LIVE_PARTS.keys() - registered() == set(), "rows in access_table.LIVE_PARTS without a live part"
    assert len(LIVE_PARTS) > 20


async def test_who_may_follow_what_is_the_same_at_both_doors(
    visit: Open, onlookers: Mapping[str, User]
) -> None:
    found = await db(tickets, onlookers["root"])
    assert registered() - found.keys() == set(), "live parts that no page of the access table shows"
    wrong = {}
    for place, person in enumerate(ONLOOKERS):
        user = onlookers.get(person, onlookers["bob"])
        session = NOBODYS_SESSION if person == "stranger" else await db(session_of, user)
        for name, ticket in found.items():
            got = await joined(visit, user, session, ticket)
            if got != LIVE_PARTS[name][place]:
                wrong[person, name] = (got, LIVE_PARTS[name][place])
    print(f"{len(found)} parts, {len(ONLOOKERS)} people: {len(found) * len(ONLOOKERS)} sockets tried")
    assert wrong == {}, "(is, should be)"
    assert await db(plain_answers, found, onlookers) == {}, "(is, should be)"


async def joined(visit: Open, user: User, session: str, ticket: Ticket) -> int:
    """The code with which the socket is closed; JOINED when the part is followed."""
    page = await visit(user, session=session)
    if page.code:
        return page.code
    await page.say({"join": [[ticket_of(ticket, user, session), None]]})
    await page.say({"join": [[token(user, session, "live_test.count", "probe", cluster_id=1), None]]})
    await eventually(lambda: page.code or "probe" in page.page.elements, ticket.name)
    await page.leave()
    return page.code or JOINED


def plain_answers(found: Mapping[str, Ticket], onlookers: Mapping[str, User]) -> dict[Any, Any]:
    """What of the table the addresses below /live/ contradict."""
    wrong = {}
    for place, person in enumerate(ONLOOKERS):
        browser = Client()
        if person in onlookers:
            browser.force_login(onlookers[person], backend="django.contrib.auth.backends.ModelBackend")
        user, session = onlookers.get(person, onlookers["bob"]), browser.session.session_key or ""
        for name, ticket in found.items():
            text = ticket_of(ticket, user, session)
            status = browser.get(reverse(f"live:{ticket.kind}", args=[text])).status_code
            expected = {JOINED: (200, 286), STRANGER_CODE: (302,)}.get(LIVE_PARTS[name][place], (403,))
            if status not in expected:
                wrong[person, name] = (status, expected)
    return wrong


@pytest.mark.parametrize("path", ["/ws/", "/ws/page", "/ws/page/x", "/ws/Page/", "/live/", "/", "/ws/logs/"])
async def test_there_is_one_socket_address(path: str) -> None:
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    await sockets({"type": "websocket", "path": path, "headers": []}, receive, send)
    assert path != PATH and said == [{"type": "websocket.close", "code": 4404}]
