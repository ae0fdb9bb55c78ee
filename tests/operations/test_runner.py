"""One stretch of an operation in this process: how it runs and how it ends."""

from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.operations import runner
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from tests.operations import samples
from tests.operations.helpers import start, texts
from tests.operations.samples import notes

pytestmark = pytest.mark.django_db(transaction=True)


def executed(operation: Operation) -> Operation:
    runner.execute(operation.pk)
    operation.refresh_from_db()
    return operation


def test_it_runs_to_its_end_and_keeps_result_steps_and_lines(alice: User) -> None:
    done = executed(start(alice, samples.greet, name="Ada"))
    assert (done.status, done.result, done.message) == (OperationStatus.SUCCEEDED, {"length": 3}, "")
    assert [(step.title, step.state, step.result) for step in done.steps.all()] == [("Measure", "done", 3)]
    assert texts(done) == ["Hello Ada"] and done.ended_at is not None and done.lease_until is None


def test_the_row_knows_who_why_and_on_what_and_the_audit_links_it(alice: User) -> None:
    operation = start(alice, samples.greet, name="Ada")
    entry = AuditEntry.objects.get(code="tests.begin")
    assert (operation.actor_name, operation.reason) == ("alice", "for the test")
    assert entry.operation_id == str(operation.pk) and entry.target_name == operation.target_name


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("words", "The oven is cold."),
        ("forbidden", "The cluster refused the portal."),
        ("bug", "Something went wrong inside the portal (KeyError)."),
    ],
)
def test_a_failure_ends_in_words_for_people(alice: User, how: str, words: str) -> None:
    failed = executed(start(alice, samples.fail, how=how))
    assert (failed.status, failed.message) == (OperationStatus.FAILED, words)
    assert [step.state for step in failed.steps.all()] == ["failed"]
    assert "secret" not in "".join(texts(failed))


def test_a_message_delivered_twice_runs_it_once(alice: User, tmp_path: Path) -> None:
    operation = start(alice, samples.count, upto=3, pause=0, folder=str(tmp_path / "notes"))
    assert [runner.execute(operation.pk) for _ in range(3)] == [True, False, False]
    assert notes(str(tmp_path / "notes")) == ["prepared"] and texts(operation).count("line 1") == 1


def test_a_wait_gives_the_process_back_until_the_next_look(alice: User, tmp_path: Path) -> None:
    wanted = tmp_path / "wanted"
    operation = executed(start(alice, samples.await_file, path=str(wanted), every=60))
    assert operation.status == OperationStatus.WAITING and operation.lease_until is None
    assert not runner.execute(operation.pk), "the next look is a minute away"
    wanted.write_text("here")
    Operation.objects.filter(pk=operation.pk).update(next_look_at=operation.created_at)
    assert executed(operation).result == {"text": "here"}
    assert texts(operation) == ["Looking for it", "not there yet"]


def test_a_wait_that_never_comes_true_fails_with_what_was_last_seen(alice: User, tmp_path: Path) -> None:
    operation = start(alice, samples.await_file, path=str(tmp_path / "never"), deadline=0.001)
    runner.execute(operation.pk)
    Operation.objects.filter(pk=operation.pk).update(next_look_at=operation.created_at)
    assert executed(operation).status == OperationStatus.FAILED
    assert operation.message == "Find it: not within 0 s. not there yet"


def test_a_look_that_does_not_reach_the_cluster_is_repeated(alice: User, tmp_path: Path) -> None:
    operation = start(alice, samples.shaky, folder=str(tmp_path / "looks"))
    for _ in range(3):
        runner.execute(operation.pk)
        Operation.objects.filter(pk=operation.pk).update(next_look_at=operation.created_at)
    operation.refresh_from_db()
    assert operation.status == OperationStatus.SUCCEEDED
    assert texts(operation) == ["The cluster does not answer."]


def test_a_runner_that_this_version_does_not_know_fails_in_words(alice: User) -> None:
    operation = start(alice, samples.greet, name="Ada")
    Operation.objects.filter(pk=operation.pk).update(runner="gone.away")
    assert executed(operation).message == "This version of the portal does not know gone.away."


def test_nul_bytes_html_and_huge_lines_are_kept_safely(alice: User) -> None:
    operation = executed(start(alice, samples.say, texts=["<b>&{{ x }}", "two\nlines", "x" * 70_000]))
    html, first, second, huge = texts(operation)
    assert (html, first, second) == ("<b>&{{ x }}", "two", "lines")
    assert len(huge.encode()) <= 64 * 1024 and huge.endswith("[line cut]")
