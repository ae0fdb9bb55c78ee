"""How often the busiest page asks Postgres: each question costs its way there and back, for every viewer."""

from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from tests.inference.mirrored import Mirrored

MOST = 13
"""Session, person, access, clusters, whether this one answers, running work, filters,
cluster, count, rows, two cells, freshness.
"""


def test_the_pods_page_asks_for_nothing_twice(
    mirrored: Mirrored, alice: User, client_of: Callable[[User], Client]
) -> None:
    browser = client_of(alice)
    browser.get("/c/demo/pods/")
    with CaptureQueriesContext(connection) as asked:
        assert browser.get("/c/demo/pods/").status_code == 200
    assert len(asked) <= MOST, [query["sql"][:150] for query in asked]
