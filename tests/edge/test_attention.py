"""What the overview says needs attention, and in which order."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import policy
from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from hyperpod_site.attention import needs
from tests.inference.mirrored import Mirrored

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster() -> Cluster:
    return Cluster.objects.create(slug="demo", name="Demo", server="https://127.0.0.1:1", token="nothing")


def said(cluster: Cluster, person: User) -> list[tuple[str, str]]:
    return [(need.name, need.word) for need in needs(cluster, policy.access_of(person))]


def operation(name: str, *, status: OperationStatus, hours: int) -> None:
    """One that ended so many hours ago."""
    row = Operation(
        runner="tests.none", title="Deploy model", queue="quick", actor_name="alice", status=status
    )
    row.target_kind, row.target_name, row.target_cluster = "deployment", name, "demo"
    row.ended_at = timezone.now() - timedelta(hours=hours)
    row.save()


def test_what_is_broken_stands_before_what_only_begins(cluster: Cluster, bob: User) -> None:
    mirrored = Mirrored(cluster.pk)
    mirrored.node("good", gpus=8)
    mirrored.add("nodes", "lost", status={"conditions": [{"type": "Ready", "status": "Unknown"}]})
    mirrored.deployment("calm", ready=1)
    mirrored.deployment("beginning", ready=0)
    mirrored.write()
    assert said(cluster, bob) == [("lost", "Not ready"), ("beginning", "Starting")]


def test_failed_work_stands_there_for_a_day_or_until_it_is_done_again(cluster: Cluster, bob: User) -> None:
    operation("old", status=OperationStatus.FAILED, hours=30)
    operation("again", status=OperationStatus.FAILED, hours=2)
    operation("again", status=OperationStatus.SUCCEEDED, hours=1)
    operation("open", status=OperationStatus.FAILED, hours=1)
    assert said(cluster, bob) == [("Deploy model open", "Failed")]


def test_who_sees_no_operations_is_told_of_none(cluster: Cluster, charlie: User) -> None:
    operation("open", status=OperationStatus.FAILED, hours=1)
    assert said(cluster, charlie) == []
