"""The backstop for messages: what was not sent, or sent and lost, is sent again, and not too often."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.operations import claims, sweeper, tasks
from apps.operations.models import Duty, Operation
from apps.operations.periodic import call, periodic, take_due
from apps.operations.statuses import OperationStatus
from tests.operations import samples
from tests.operations.helpers import start

pytestmark = pytest.mark.django_db(transaction=True)


def aged(operation: Operation, seconds: float | None, **changes: object) -> Operation:
    """As if its last message had been sent so long ago."""
    sent_at = timezone.now() - timedelta(seconds=seconds) if seconds is not None else None
    Operation.objects.filter(pk=operation.pk).update(sent_at=sent_at, **changes)
    return operation


@pytest.mark.parametrize(
    ("age", "sends", "again"), [(None, 0, True), (2, 1, False), (15, 1, True), (15, 9, False), (90, 9, True)]
)
def test_an_unclaimed_operation_is_sent_again(
    alice: User, age: float | None, sends: int, again: bool
) -> None:
    operation = aged(start(alice, samples.greet, name="Ada"), age, sends=sends)
    sweeper.sweep()
    operation.refresh_from_db()
    assert operation.sends == sends + again


def test_an_overdue_look_is_sent_again_and_one_in_time_is_not(alice: User) -> None:
    now = timezone.now()
    late, soon = (
        aged(start(alice, samples.greet, name="Ada"), 20, status=OperationStatus.WAITING, next_look_at=at)
        for at in (now - timedelta(seconds=30), now + timedelta(seconds=30))
    )
    assert [pk for pk, _queue in sweeper.unsent_rows().values_list("pk", "queue")] == [late.pk]
    assert claims.claim(soon.pk) is None and claims.claim(late.pk)


def test_ended_operations_are_left_alone(alice: User) -> None:
    operation = aged(start(alice, samples.greet, name="Ada"), None, status=OperationStatus.FAILED)
    sweeper.sweep()
    operation.refresh_from_db()
    assert operation.status == OperationStatus.FAILED and operation.sent_at is None


def test_two_beats_hand_out_a_duty_once(db: None) -> None:
    called: list[str] = []
    periodic("tests.duty", every=60)(lambda: called.append("done"))
    assert [take_due().count("tests.duty") for _beat in range(2)] == [1, 0]
    Duty.objects.filter(name="tests.duty").update(called_at=timezone.now() - timedelta(seconds=61))
    assert take_due().count("tests.duty") == 1
    tasks.duty("tests.duty")
    assert called == ["done"]


def test_a_broken_duty_disturbs_nobody(db: None) -> None:
    def broken() -> None:
        raise RuntimeError("no")

    periodic("tests.broken", every=60)(broken)
    call("tests.broken")
    with pytest.raises(ValueError, match="two duties"):
        periodic("tests.broken", every=60)(broken)
