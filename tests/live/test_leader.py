"""One leader at a time, and another one when it is gone."""

import threading

import pytest
from django.db import connection

from apps.live.leader import Leadership
from tests.processes import until

pytestmark = pytest.mark.django_db(transaction=True)
LOCK = "test-watch"


def test_only_one_leads_and_the_next_follows() -> None:
    with Leadership(LOCK) as one, Leadership(LOCK) as two:
        assert (one.take(), two.take()) == (True, False)
        assert one.take()
        one.release()
        assert two.take()


def test_other_locks_are_other_leaders() -> None:
    with Leadership(LOCK) as one, Leadership("something-else") as two:
        assert (one.take(), two.take()) == (True, True)


def test_a_lost_connection_ends_leadership_and_the_stand_by_takes_over() -> None:
    with Leadership(LOCK) as one, Leadership(LOCK) as two:
        assert one.take()
        waiting = threading.Thread(target=two.wait, args=(threading.Event(), 0.05))
        waiting.start()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_locks "
                "WHERE locktype = 'advisory' AND granted "
                "AND pid <> pg_backend_pid() AND database = (SELECT oid FROM pg_database "
                "WHERE datname = current_database())"
            )
            assert cursor.fetchone() == (1,)
        until(lambda: two.held, what="the hand-over")
        waiting.join(5)
        assert (one.check(), one.held, two.check()) == (False, False, True)


def test_standing_by_ends_when_told() -> None:
    stop = threading.Event()
    stop.set()
    with Leadership(LOCK) as one, Leadership(LOCK) as two:
        assert one.take()
        assert not two.wait(stop)
