"""Starting: one operation a target, one a key, and nothing secret in a row that people read."""

import threading

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.operations import permissions
from apps.operations.actions import NotNow, cancel, retry
from apps.operations.models import Operation
from apps.operations.services import Busy, KeyReused
from apps.operations.statuses import OperationStatus
from tests.operations import samples
from tests.operations.helpers import place, start

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_second_operation_on_the_same_target_is_refused_by_name(alice: User, root: User) -> None:
    there = place("qwen")
    first = start(alice, samples.greet, on=there, name="Ada")
    with pytest.raises(Busy) as refusal:
        start(root, samples.await_file, on=there, path="x")
    assert refusal.value.operation == first and refusal.value.problem_status == 409
    assert str(refusal.value) == "alice is already at work on qwen: Greet, queued."


def test_the_target_is_free_again_after_the_end(alice: User) -> None:
    there = place()
    first = start(alice, samples.greet, on=there, name="Ada")
    cancel(by=alice, operation=first)
    assert start(alice, samples.greet, on=there, name="Ada") != first


def test_runners_that_exclude_nothing_may_share_a_target(alice: User) -> None:
    there = place()
    start(alice, samples.greet, on=there, name="Ada")
    assert start(alice, samples.say, on=there, texts=[]).active


def test_the_same_key_gives_the_same_operation(alice: User, root: User) -> None:
    there = place()
    first = start(alice, samples.greet, on=there, key="k1", name="Ada")
    assert start(alice, samples.greet, on=there, key="k1", name="Ada") == first
    assert start(root, samples.greet, key="k1", name="Ada") != first, "keys belong to a person"


def test_a_key_used_for_other_wishes_is_refused(alice: User) -> None:
    there = place()
    start(alice, samples.greet, on=there, key="k1", name="Ada")
    with pytest.raises(KeyReused):
        start(alice, samples.greet, on=there, key="k1", name="Grace")


def test_ten_requests_at_once_with_one_key_start_one_operation(alice: User) -> None:
    there, found = place(), []

    def ask() -> None:
        found.append(start(alice, samples.greet, on=there, key="k1", name="Ada").pk)
        connection.close()

    askers = [threading.Thread(target=ask) for _ in range(10)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(found) == 10 and len(set(found)) == 1 == Operation.objects.count()


@pytest.mark.parametrize("params", [{"token": "x"}, {"deep": [{"dbPassword": "x"}]}, {"hf_secret": ""}])
def test_secrets_are_refused_as_parameters(alice: User, params: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        start(alice, samples.greet, name="Ada", **params)
    with pytest.raises(ValueError, match="looks secret"):
        start(alice, samples.greet, name=params)
    assert not Operation.objects.exists()


def test_parameters_must_fit_the_runner_and_the_database(alice: User) -> None:
    with pytest.raises(TypeError):
        start(alice, samples.greet, nome="Ada")
    with pytest.raises(ValidationError):
        start(alice, samples.greet, name="A\x00da")
    assert not Operation.objects.exists()


def test_a_retry_is_a_new_operation_that_names_the_old_one(alice: User) -> None:
    first = start(alice, samples.greet, name="Ada")
    with pytest.raises(NotNow):
        retry(by=alice, operation=first)
    cancel(by=alice, operation=first)
    second = retry(by=alice, operation=first)
    assert (second.retry_of, second.params, second.status) == (first, {"name": "Ada"}, OperationStatus.QUEUED)
    assert AuditEntry.objects.get(code="operations.retry", outcome="done").operation_id == str(second.pk)


def test_a_retry_needs_what_the_first_start_needed(alice: User, root: User) -> None:
    first = start(root, samples.greet, name="Ada")
    cancel(by=root, operation=first)
    Operation.objects.filter(pk=first.pk).update(permission=permissions.CANCEL_OTHERS)
    with pytest.raises(PermissionDenied):
        retry(by=alice, operation=first)
    assert retry(by=root, operation=first).permission == permissions.CANCEL_OTHERS
