"""Who may open the page's socket, with what, and when it ends."""

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings as django_settings
from django.test import Client

from apps.accounts.models import Grant, Role, User
from apps.live.db import db
from apps.live.hub import hub
from tests.live.conftest import Visit, eventually, session_of, token

Open = Callable[..., Awaitable[Visit]]


def set_role(user: User, role: Role) -> None:
    grant = Grant.objects.get(user=user)
    grant.role = role
    grant.save()


async def test_a_stranger_is_closed_with_4401(visit: Open, bob: User) -> None:
    page = await visit(bob, session="a" * 32)
    await page.closes(4401)


async def test_a_foreign_origin_never_gets_a_handshake(visit: Open, bob: User) -> None:
    foreign = ["https://evil.example", "http://testserver.evil.example", "http://testserver:8443", "null", ""]
    for origin in foreign:
        page = await visit(bob, origin=origin)
        assert (origin, page.code, page.accepted) == (origin, 4403, False)


async def test_a_forged_token_is_refused(visit: Open, bob: User) -> None:
    page = await visit(bob)
    good = token(bob, page.session, "live_test.count", "count", cluster_id=1)
    await page.say({"join": [[good[:-2] + ("aa" if good[-2:] != "aa" else "bb"), None]]})
    await page.closes(4403)


async def test_another_persons_token_is_refused(visit: Open, alice: User, bob: User) -> None:
    page = await visit(bob)
    stolen = token(alice, page.session, "live_test.count", "count", cluster_id=1)
    await page.say({"join": [[stolen, None]]})
    await page.closes(4403)


async def test_another_sessions_token_is_refused(visit: Open, bob: User) -> None:
    page = await visit(bob)
    await page.say({"join": [[token(bob, "b" * 32, "live_test.count", "count", cluster_id=1), None]]})
    await page.closes(4403)


async def test_an_expired_token_is_refused(visit: Open, bob: User) -> None:
    page = await visit(bob)
    old = token(bob, page.session, "live_test.count", "count", seconds=-1, cluster_id=1)
    await page.say({"join": [[old, None]]})
    await page.closes(4403)


async def test_a_fragment_that_the_role_may_not_see_is_refused(visit: Open, bob: User) -> None:
    page = await visit(bob)
    await page.join("live_test.secret", "secret", cluster_id=1)
    await page.closes(4403)


async def test_a_part_from_before_a_release_is_refused(visit: Open, bob: User) -> None:
    page = await visit(bob)
    await page.join("live_test.forgotten", "old", cluster_id=1)
    await page.closes(4403)


async def test_a_person_without_a_role_sees_nothing(visit: Open, charlie: User) -> None:
    page = await visit(charlie)
    await page.join("live_test.count", "count", cluster_id=1)
    await page.closes(4403)


NONSENSE = [
    "",
    "hello",
    "[]",
    "{}x",
    '{"join": 1}',
    '{"join": [["token"]]}',
    '{"join": [["t", -1]]}',
    '{"join": [["t", true]]}',
    '{"leave": [1]}',
    '{"write": 1}',
    "[" * 50_000,
    '{"ping": "' + "x" * 70_000 + '"}',
]


async def test_nonsense_closes_the_socket(visit: Open, bob: User) -> None:
    for said in NONSENSE:
        page = await visit(bob)
        await page.say(said)
        await page.closes(4400)


async def test_a_flood_closes_the_socket(visit: Open, bob: User) -> None:
    page = await visit(bob)
    for _number in range(100):
        await page.say({"ping": 1})
    await page.closes(4429)


async def test_a_socket_takes_a_bounded_number_of_parts(visit: Open, bob: User) -> None:
    page = await visit(bob)
    signed = [token(bob, page.session, "live_test.count", f"c{n}", cluster_id=n) for n in range(70)]
    await page.say({"join": [[one, None] for one in signed]})
    await page.closes(4429)


async def test_a_lost_role_takes_the_parts_away_at_once(visit: Open, bob: User) -> None:
    page = await visit(bob)
    await page.join("live_test.count", "count", cluster_id=1)
    await page.shows("count", "may look")
    await db(lambda: Grant.objects.get(user=bob).delete())
    await page.closes(4403)
    assert "may look" not in page.page.elements["count"]


async def test_a_changed_role_moves_the_page_to_its_new_region(visit: Open, bob: User) -> None:
    page = await visit(bob)
    await page.join("live_test.count", "count", cluster_id=1)
    await page.shows("count", "may look")
    await db(set_role, bob, Role.OPERATOR)
    await page.shows("count", "may lend")


async def test_only_the_refused_part_is_taken_from_a_page_of_two(visit: Open, alice: User) -> None:
    page = await visit(alice)
    await page.join("live_test.count", "count", cluster_id=1)
    await page.join("live_test.secret", "secret", cluster_id=1)
    await page.shows("secret", "may lend")
    await db(set_role, alice, Role.VIEWER)
    await page.shows("secret", "no longer allows")
    await page.shows("count", "may look")
    assert page.code == 0


async def test_a_deactivated_person_is_closed_out(visit: Open, bob: User) -> None:
    page = await visit(bob)
    await page.join("live_test.count", "count", cluster_id=1)
    await page.shows("count", "may look")

    def deactivate() -> None:
        person = User.objects.get(pk=bob.pk)
        person.is_active = False
        person.save()

    await db(deactivate)
    await page.closes(4401)


async def test_a_new_password_closes_the_other_sessions(visit: Open, bob: User) -> None:
    page = await visit(bob)
    await page.join("live_test.count", "count", cluster_id=1)
    await page.shows("count", "may look")

    def change() -> None:
        person = User.objects.get(pk=bob.pk)
        person.set_password("another correct horse")
        person.save()

    await db(change)
    await page.closes(4401)


async def test_logging_out_closes_the_sockets_of_that_session_only(visit: Open, bob: User) -> None:
    one, other = await visit(bob), await visit(bob)
    for page in (one, other):
        await page.join("live_test.count", "count", cluster_id=1)
        await page.shows("count", "may look")

    def log_out() -> None:
        browser = Client()
        browser.cookies[django_settings.SESSION_COOKIE_NAME] = one.session
        browser.logout()

    await db(log_out)
    await one.closes(4401)
    assert other.code == 0


async def test_an_expired_session_is_noticed_by_the_beat(visit: Open, bob: User, settings: Any) -> None:
    settings.LIVE_BEAT_SECONDS = 0.3
    session = await db(session_of, bob, 1)
    page = await visit(bob, session=session)
    await page.join("live_test.count", "count", cluster_id=1)
    await page.closes(4401)


async def test_a_page_that_left_leaves_nothing_behind(visit: Open, bob: User) -> None:
    page = await visit(bob)
    await page.join("live_test.count", "count", cluster_id=1)
    await page.shows("count", "may look")
    await page.leave()
    await eventually(lambda: not hub().regions, "no regions")
    assert (hub().ear.groups(), hub().feeds) == (0, {})
