"""What live pages read: lines by cursor while they are being written, and the detail fragment."""

import re
import threading
import time

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.live.fragments import fragment_named
from apps.live.streams import stream_named
from apps.live.viewers import Viewer, viewer_of
from apps.operations import runner
from apps.operations.models import Operation
from tests.operations import samples
from tests.operations.helpers import claimed, start

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = 3000


def reader(operation: Operation, cursor: int = 0) -> tuple[list[str], int]:
    """All that there is behind the cursor now, as a page that reconnects reads it."""
    stream, texts = stream_named("operations.lines"), []
    args = {"pk": operation.pk, "cluster": "demo"}
    while True:
        html, reached = stream.read_after(args, cursor, 200)
        if reached == cursor:
            return texts, cursor
        texts += re.findall(r">(line \d+)</span>", html)
        cursor = reached


def test_a_page_that_reads_while_lines_are_written_gets_each_once(alice: User) -> None:
    operation = start(alice, samples.greet, name="Ada")
    run = claimed(operation)

    def write() -> None:
        for number in range(NUMBER):
            run.log(f"line {number}")
            if number % 7 == 0:
                run.checkpoint()
        run.checkpoint()
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    texts, cursor, reads = [], 0, 0
    while writer.is_alive() or reads < 3:
        more, cursor = reader(operation, cursor)
        texts, reads = texts + more, reads + 1
        time.sleep(0.02)
    more, cursor = reader(operation, cursor)
    print(f"{reads} reads while {NUMBER} lines were written: {len(texts + more)} seen")
    assert texts + more == [f"line {number}" for number in range(NUMBER)] and cursor == NUMBER


def test_the_detail_shows_the_cancel_button_to_whoever_may(alice: User, root: User) -> None:
    operation = start(alice, samples.greet, name="Ada")
    fragment = fragment_named("operations.detail")
    args = {"pk": operation.pk, "cluster": "demo"}
    cases = [(alice, True, True), (alice, False, False), (root, False, True)]
    for person, mine, may in cases:
        assert fragment.context(viewer_of(person, "demo"), mine=mine, **args)["may_cancel"] is may


def test_polling_ends_with_the_operation(alice: User) -> None:
    operation = start(alice, samples.greet, name="Ada")
    fragment, viewer = fragment_named("operations.detail"), viewer_of(alice, "demo")
    args = {"pk": operation.pk, "cluster": "demo", "mine": True}
    assert not fragment.context(viewer, **args)["finished"]
    runner.execute(operation.pk)
    assert fragment.context(viewer, **args)["finished"]


def test_an_operation_cannot_be_read_through_another_cluster(alice: User) -> None:
    operation = start(alice, samples.greet, name="Ada")
    viewer = Viewer(role_key="other/*=admin", language="en")
    for part in (fragment_named("operations.detail"), stream_named("operations.lines")):
        assert not part.may(viewer, {"pk": operation.pk, "cluster": "other", "mine": True})
        assert not part.may(viewer, {"pk": operation.pk, "cluster": "demo", "mine": True})
