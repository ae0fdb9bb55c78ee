"""A worker that is asked to stop gives its operations back between two steps, and another one goes on."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.operations import stopping
from apps.operations.control import GivenBack
from apps.operations.runner import execute
from apps.operations.statuses import OperationStatus
from tests.operations import samples
from tests.operations.conftest import Workers
from tests.operations.helpers import claimed, count_lines, ended, start, texts
from tests.operations.samples import notes
from tests.processes import until

WORDS = "Given back: its worker was asked to stop."


@pytest.fixture(autouse=True)
def goes_on() -> Iterator[None]:
    yield
    stopping.forget()


@pytest.mark.django_db
def test_it_is_queued_again_after_the_step_and_nothing_is_done_twice(alice: User, tmp_path: Path) -> None:
    operation = start(alice, samples.two_steps, folder=str(tmp_path / "notes"))
    assert execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.worker, operation.lease_until) == (OperationStatus.QUEUED, "", None)
    assert notes(str(tmp_path / "notes")) == ["first"] and texts(operation) == [WORDS]
    stopping.forget()
    assert execute(operation.pk) and ended(operation).status == OperationStatus.SUCCEEDED
    assert notes(str(tmp_path / "notes")) == ["first", "second"] and operation.deaths == 0


@pytest.mark.django_db
def test_what_cannot_be_taken_up_again_is_brought_to_its_end(alice: User, tmp_path: Path) -> None:
    operation = start(alice, samples.at_a_stretch, folder=str(tmp_path / "notes"))
    assert execute(operation.pk) and ended(operation).status == OperationStatus.SUCCEEDED
    assert notes(str(tmp_path / "notes")) == ["first", "second"]


@pytest.mark.django_db
def test_a_step_is_never_cut_and_a_cleanup_neither(alice: User) -> None:
    run = claimed(start(alice, samples.greet, name="Ada"))
    run._resumable = True
    stopping.ask()
    run.steps.current = "inside"
    run.checkpoint()
    run.steps.current = ""
    run.shield()
    run.checkpoint()
    run._shielded = False
    with pytest.raises(GivenBack):
        run.checkpoint()


@pytest.mark.django_db(transaction=True)
@pytest.mark.xdist_group("celery")
def test_sigterm_ends_a_worker_in_seconds_and_the_next_one_finishes_its_work(
    workers: Workers, alice: User, tmp_path: Path
) -> None:
    operation = start(alice, samples.count, upto=60, pause=0.1, folder=str(tmp_path / "notes"))
    until(lambda: count_lines(operation, r"line \d+")[0] > 10, what="10 lines")
    begun = time.monotonic()
    for worker in workers.running:
        worker.send_signal(signal.SIGTERM)  # to the parent alone, as docker and Kubernetes do
    assert [stopped(worker) for worker in workers.running] == [0] * len(workers.running)
    took = time.monotonic() - begun
    operation.refresh_from_db()
    lines = count_lines(operation, r"line \d+")[0]
    print(f"stopped after {took:.1f} s with {lines} of 60 lines")
    assert operation.status == OperationStatus.QUEUED and lines < 60 and WORDS in texts(operation, "system")
    workers.want()
    assert ended(operation, seconds=90).status == OperationStatus.SUCCEEDED
    assert count_lines(operation, r"(line|last) \d+") == (65, 0, 0)
    assert operation.deaths == 0 and notes(str(tmp_path / "notes")) == ["prepared"]


def stopped(worker: "subprocess.Popen[bytes]") -> int:
    return worker.wait(60)
