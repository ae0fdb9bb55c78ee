"""The log of real processes: JSON lines that name their request and their operation."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from tests.live.conftest import session_of
from tests.operations import samples
from tests.processes import free_port, process, until

pytestmark = [pytest.mark.django_db(transaction=True)]
WEB = ["-m", "uvicorn", "hyperpod_site.asgi:application", "--log-level", "info", "--port"]
RUN = """
import logging, sys, threading, time
import django; django.setup()
from apps.operations import runner
from apps.operations.registry import get
import structlog, tests.operations.samples as samples
from apps.operations.models import Operation
def speak(run, *, name):
    logging.getLogger("apps.somewhere").warning("a word of the standard library")
    structlog.get_logger("apps.elsewhere").warning("a word of structlog")
    raise KeyError("a secret detail")
samples.greet.work = speak
pk = int(sys.argv[1])
Operation.objects.filter(pk=pk).update(status="queued")
assert runner.execute(pk)
logging.getLogger("apps.after").warning("a word afterwards")
"""


def lines_of(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines() if line]


def test_every_request_is_one_line_with_its_id_and_its_view(alice: User, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    with process(*WEB, str(port), log=log, PORTAL_LOG_LEVEL="INFO") as child:
        until(
            lambda: "startup complete" in log.read_text() or child.poll(), seconds=120, what="the web process"
        )
        with httpx.Client(
            base_url=f"http://localhost:{port}", cookies={"sessionid": session_of(alice)}
        ) as http:
            http.get("/operations/", params={"q": "a-private-word"})
            http.get("/operations/987654/")
            http.get("/readyz")
        until(lambda: log.read_text().count("request_finished") >= 2, what="two lines")
    told = [line for line in lines_of_json(log) if line["event"] == "request_finished"]
    assert [line["request"] for line in told] == ["GET operations:list", "GET operations:detail"]
    assert [line["code"] for line in told] == [200, 404] and len({line["request_id"] for line in told}) == 2
    assert all(line["user_id"] == alice.pk and line["milliseconds"] >= 0 for line in told)
    assert "a-private-word" not in log.read_text()


def lines_of_json(log: Path) -> list[dict[str, Any]]:
    """All lines but the few that uvicorn writes before it loads the site."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def test_what_is_done_for_an_operation_names_it_and_the_request_that_asked(
    alice: User, tmp_path: Path
) -> None:
    log, operation = tmp_path / "log", not_for_workers(alice)
    with process("-c", RUN, str(operation.pk), log=log, PORTAL_LOG_LEVEL="INFO") as child:
        assert child.wait(120) == 0, log.read_text()[-2000:]
    told = {line["event"].split(":")[0]: line for line in lines_of(log)}
    inside = [told["a word of the standard library"], told["a word of structlog"]]
    inside += [line for line in told.values() if "exception" in line]
    assert len(inside) == 3, "the runner's own fault is told with its traceback"
    for line in inside:
        assert (line["operation_id"], line["request_id"]) == (operation.pk, "the-request")
        assert (
            line["runner"] == operation.runner and line["level"] in {"warning", "error"} and line["timestamp"]
        )
    assert "operation_id" not in told["a word afterwards"]


def not_for_workers(by: User) -> Operation:
    """An operation that no worker of an earlier test takes up: until the process of this test, it waits."""
    return Operation.objects.create(
        runner=samples.greet.code,
        queue=samples.greet.queue,
        params={"name": "Ada"},
        status=OperationStatus.WAITING,
        next_look_at=timezone.now() + timedelta(hours=1),
        target_kind="deployment",
        target_name="ada",
        actor_id=by.pk,
        actor_name=by.username,
        request_id="the-request",
    )
