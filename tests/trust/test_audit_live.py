"""The audit's page is told of new entries, each person of those that they see."""

from apps.accounts.models import Grant, Role, User
from apps.audit.entries import Draft, Target, write
from apps.audit.models import Outcome
from apps.live.db import db
from tests.live.conftest import loop_end, visit  # noqa: F401  fixtures
from tests.live.test_page_socket import Open


def entry(name: str, cluster: str) -> None:
    write(Draft("tests.some", Target("pod", name, cluster=cluster)), Outcome.DONE)


async def test_a_new_entry_reaches_an_open_page_of_who_may_see_it(visit: Open, charlie: User) -> None:  # noqa: F811
    await db(lambda: Grant.objects.create(user=charlie, role=Role.VIEWER, cluster="east"))
    page = await visit(charlie)
    await page.join("audit.entries", "entries", query="", after=0, own=charlie.pk)
    await page.shows("entries", "Nothing has been changed yet")
    await db(lambda: entry("elsewhere", "west"))
    await db(lambda: entry("here", "east"))
    html = await page.shows("entries", "here")
    assert "elsewhere" not in html
