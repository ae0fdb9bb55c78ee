"""The hard moments, with real Celery workers: killed, frozen, cancelled, overrun, cut off from the broker."""

import os
import signal
import time
from pathlib import Path

import pytest
from django.db import connection
from kombu import pools

from apps.accounts.models import User
from apps.operations import sending, tasks
from apps.operations.actions import cancel
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from hyperpod_site.celery import app
from tests.operations import samples
from tests.operations.conftest import LEASE, Workers, children
from tests.operations.helpers import count_lines, ended, in_state, start, texts
from tests.operations.samples import notes
from tests.processes import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("celery")]
PATIENT = ["sh", "-c", "for n in $(seq 1 300); do echo line $n; sleep 0.05; done"]


def test_a_worker_runs_it_and_waits_without_a_process(workers: Workers, alice: User, tmp_path: Path) -> None:
    wanted = tmp_path / "wanted"
    operation = start(alice, samples.await_file, path=str(wanted), every=0.5)
    in_state(operation, OperationStatus.WAITING)
    wanted.write_text("here")
    assert ended(operation).result == {"text": "here"}
    assert texts(operation) == ["Looking for it", "not there yet"]


def test_a_thousand_waiting_operations_occupy_no_process(
    workers: Workers, alice: User, tmp_path: Path
) -> None:
    first = start(alice, samples.await_file, path=str(tmp_path / "never"), every=600)
    in_state(first, OperationStatus.WAITING)
    for row in waiting_like(first, number=999):
        sending.send(row.pk, row.queue, after=600)
    begun = time.monotonic()
    assert ended(start(alice, samples.greet, name="Ada")).status == OperationStatus.SUCCEEDED
    counting = start(alice, samples.count, upto=1, pause=0, folder=str(tmp_path / "notes"))
    assert ended(counting).status == OperationStatus.SUCCEEDED
    assert Operation.objects.filter(status=OperationStatus.WAITING).count() == 1000
    print(f"1000 wait on 2 processes; one more of each queue took {time.monotonic() - begun:.1f} s")


def waiting_like(first: Operation, *, number: int) -> list[Operation]:
    """Copies of a waiting operation, half of them on the long queue, each on a target of its own."""
    columns = {field.attname: getattr(first, field.attname) for field in Operation._meta.concrete_fields}
    del columns["id"]
    rows = [
        Operation(**columns | {"exclusive_key": f"copy {one}", "queue": ("quick", "long")[one % 2]})
        for one in range(number)
    ]
    return Operation.objects.bulk_create(rows)


def test_a_killed_worker_costs_seconds_and_no_line(workers: Workers, alice: User, tmp_path: Path) -> None:
    folder = str(tmp_path / "notes")
    operation = start(alice, samples.count, upto=100, pause=0.05, folder=folder)
    script = start(alice, samples.scripted, words=PATIENT)
    until(lambda: min(count_lines(one, r"line \d+")[0] for one in (operation, script)) > 20, what="20 lines")
    killed = workers.kill()
    begun = time.monotonic()
    workers.want()
    assert killed >= 3 and ended(operation, seconds=60).status == OperationStatus.SUCCEEDED
    assert ended(script, seconds=60).status == OperationStatus.SUCCEEDED
    report = f"{killed} processes killed, all ended after {time.monotonic() - begun:.1f} s"
    check_continued(operation, r"(line|last) \d+", 105, report)
    check_continued(script, r"line \d+", 300, report)
    assert notes(folder) == ["prepared"] and script.steps.get().attempts == 2
    assert not Path(script.steps.get().script["folder"]).exists(), "an ended script leaves no files"


def check_continued(operation: Operation, pattern: str, wanted: int, report: str) -> None:
    whole, doubled, gaps = count_lines(operation, pattern)
    print(f"{operation.title}: {report}; {whole} of {wanted} lines, {doubled} doubled, {gaps} gaps")
    assert (whole, doubled, gaps) == (wanted, 0, 0)
    said = texts(operation, "system")
    assert len(said) == 2 and "gave no sign" in said[0] and said[1].startswith("Continued by")


def test_a_frozen_worker_that_wakes_up_writes_nothing(workers: Workers, alice: User, tmp_path: Path) -> None:
    operation = start(alice, samples.count, upto=100, pause=0.05, folder=str(tmp_path / "notes"))
    until(lambda: count_lines(operation, r"line \d+")[0] > 20, what="20 lines")
    family = children(workers.running[0].pid)
    try:
        for child in family:
            os.kill(child, signal.SIGSTOP)
        workers.want(2)
        ended(operation, seconds=60)
    finally:
        for child in family:
            os.kill(child, signal.SIGCONT)
    until(lambda: "nothing more written" in log_of(workers) or "went to another" in log_of(workers))
    assert operation.status == OperationStatus.SUCCEEDED
    assert count_lines(operation, r"(line|last) \d+") == (105, 0, 0)


def log_of(workers: Workers) -> str:
    return "".join(path.read_text() for path in workers.folder.glob("*.log"))


def test_a_database_that_cuts_every_connection_costs_no_line(
    workers: Workers, alice: User, tmp_path: Path
) -> None:
    operation = start(alice, samples.count, upto=100, pause=0.05, folder=str(tmp_path / "notes"))
    cuts = 0
    for number in (10, 30, 50):
        until(lambda n=number: count_lines(operation, r"line \d+")[0] > n, what=f"{number} lines")
        cuts += cut_connections()
    assert ended(operation, seconds=60).status == OperationStatus.SUCCEEDED, operation.message
    print(f"{cuts} connections cut")
    assert cuts >= 3 and count_lines(operation, r"(line|last) \d+") == (105, 0, 0)


def cut_connections() -> int:
    """End every other session of this database, as a restart of Postgres does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])


def test_a_long_call_keeps_its_lease(workers: Workers, alice: User) -> None:
    operation = start(alice, samples.sleep_long, seconds=LEASE * 2.5)
    until(lambda: texts(operation) == ["going to sleep"], what="the line, while the call goes on")
    assert ended(operation).status == OperationStatus.SUCCEEDED
    assert (operation.epoch, operation.deaths) == (1, 0)


def test_work_that_takes_too_long_ends_in_words(workers: Workers, alice: User) -> None:
    operation = start(alice, samples.sleep_long, seconds=0.01)
    ended(operation)
    Operation.objects.filter(pk=operation.pk).update(status=OperationStatus.QUEUED, params={"seconds": 60})
    operation.steps.all().delete()
    tasks.run.apply_async((operation.pk,), queue="long", soft_time_limit=1)
    in_state(operation, OperationStatus.FAILED)
    assert operation.message == "It took longer than this kind of work may."


def test_cancelling_reaches_a_running_loop(workers: Workers, alice: User, tmp_path: Path) -> None:
    operation = start(alice, samples.count, upto=2000, pause=0.05, folder=str(tmp_path / "notes"))
    until(lambda: texts(operation), what="a line")
    cancel(by=alice, operation=operation)
    assert ended(operation).status == OperationStatus.CANCELLED
    assert operation.message == "Cancelled by alice." and texts(operation)[-1] == operation.message


def test_cancelling_stops_a_script_and_its_children(workers: Workers, alice: User, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    words = ["sh", "-c", f"sleep 300 & echo $! > {pid}; echo begun; wait"]
    operation = start(alice, samples.scripted, words=words)
    until(lambda: texts(operation) == ["begun"], what="the script's line")
    cancel(by=alice, operation=operation)
    assert ended(operation).status == OperationStatus.CANCELLED
    assert [step.state for step in operation.steps.all()] == ["cancelled"]
    assert not alive(pid.read_text().strip())


def alive(pid: str) -> bool:
    """Whether it still runs; who has ended and was not yet taken note of does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] not in "ZX"


def test_cancelling_a_wait_takes_back_what_was_done(workers: Workers, alice: User, tmp_path: Path) -> None:
    operation = start(alice, samples.lend, path=str(tmp_path / "lent"))
    in_state(operation, OperationStatus.WAITING)
    cancel(by=alice, operation=operation)
    assert ended(operation).status == OperationStatus.CANCELLED
    assert notes(str(tmp_path / "lent")) == ["lent", "taken back"]


def test_an_operation_begun_without_a_broker_runs_once_it_is_back(workers: Workers, alice: User) -> None:
    address = app.conf.broker_url
    try:
        reconnect("redis+socket:///nowhere/valkey.sock")
        operation = start(alice, samples.greet, name="Ada")
        assert not sending.send(operation.pk, "quick") and operation.status == OperationStatus.QUEUED
    finally:
        reconnect(address)
    assert ended(operation).status == OperationStatus.SUCCEEDED
    assert sending.send(operation.pk, "quick"), "this process sends again"


def reconnect(address: str) -> None:
    """Let this process speak to that broker; kombu keeps closed pools of an address until they are reset."""
    app.conf.broker_url = address
    pools.reset()
    app._pool = app.amqp._producer_pool = None


def test_a_fast_script_loses_no_line(workers: Workers, alice: User) -> None:
    program = "import time\nfor n in range(10000):\n print('line', n)\n n % 50 or time.sleep(0.01)"
    operation = start(alice, samples.scripted, words=["python3", "-c", program])
    ended(operation, seconds=60)
    assert count_lines(operation, r"line \d+") == (10_000, 0, 0)
    step = operation.steps.get()
    print(f"10000 lines in {(step.ended_at - step.started_at).total_seconds():.1f} s")
