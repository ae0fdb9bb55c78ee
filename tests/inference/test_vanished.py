"""A deployment that others removed from the cluster: its record ends, its name is free, its history stays."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.inference import vanished
from apps.inference.actions import deploy_model
from apps.inference.forms import DeployForm
from apps.inference.models import ModelDeployment
from apps.live.models import SyncState
from apps.operations.models import Operation
from apps.operations.runner import execute
from apps.operations.statuses import OperationStatus
from tests.inference.mirrored import Mirrored
from tests.inference.real import COMMAND, Place, finish, make_place
from tests.processes import Devcluster

pytestmark = pytest.mark.django_db


@pytest.fixture
def begun(cluster: Cluster, alice: User) -> Operation:
    """A deployment that alice asked for an hour ago."""
    form = DeployForm(
        {"command": COMMAND, "replicas": 1, "namespace": "default", "name": "mine"}, cluster=cluster
    )
    assert form.is_valid(), form.errors
    operation = deploy_model(by=alice, cluster=cluster, wish=form.wish)
    ModelDeployment.objects.update(created_at=timezone.now() - timedelta(hours=1))
    return operation


@pytest.fixture
def done(begun: Operation) -> Operation:
    """Its work ended half an hour ago."""
    ended(begun, ago=timedelta(minutes=30))
    return begun


def ended(operation: Operation, *, ago: timedelta) -> None:
    Operation.objects.filter(pk=operation.pk).update(
        status=OperationStatus.SUCCEEDED, ended_at=timezone.now() - ago
    )


def is_kept() -> bool:
    return ModelDeployment.objects.get(name="mine").removed_at is None


def show(cluster: Cluster, *names: str) -> None:
    """Have the mirror hold these deployments and no others."""
    made = Mirrored(cluster.pk)
    for name in names:
        made.deployment(name)
    made.write()


def test_a_deployment_that_leaves_the_cluster_frees_its_name(cluster: Cluster, done: Operation) -> None:
    show(cluster, "mine", "other")
    assert is_kept()
    show(cluster, "other")
    assert not is_kept()


def test_late_news_of_a_namesake_does_not_touch_work_under_way(cluster: Cluster, begun: Operation) -> None:
    show(cluster, "mine")
    show(cluster)
    assert is_kept()


def test_what_no_news_told_is_found_by_the_sweep(cluster: Cluster, done: Operation) -> None:
    show(cluster)
    assert is_kept()
    vanished.sweep()
    assert not is_kept()


@pytest.mark.parametrize("ago", [timedelta(seconds=5), timedelta(minutes=30)])
def test_the_sweep_leaves_what_is_there_and_what_was_just_worked_on(
    cluster: Cluster, begun: Operation, ago: timedelta
) -> None:
    ended(begun, ago=ago)
    show(cluster, *(["mine"] if ago > vanished.SETTLED else []))
    vanished.sweep()
    assert is_kept()


@pytest.mark.parametrize("state", [{"error": "refused"}, {"seen_at": None}])
def test_the_sweep_believes_no_mirror_that_is_not_current(
    cluster: Cluster, done: Operation, state: dict[str, Any]
) -> None:
    show(cluster)
    SyncState.objects.filter(kind="deployments").update(**state)
    vanished.sweep()
    assert is_kept()


@pytest.fixture
def place(devcluster: Devcluster, transactional_db: None) -> Iterator[Place]:
    made = make_place(devcluster)
    yield made
    made.clear()


@pytest.mark.devcluster
@pytest.mark.xdist_group("deployments")
def test_what_is_deleted_while_its_pods_start_frees_its_name_and_its_token(place: Place, alice: User) -> None:
    operation = place.deploy(alice, run=False, name="mine", token="hf_" + "x" * 30, replicas=1)
    secret = ModelDeployment.objects.get(name="mine").secret_name
    execute(operation.pk)
    place.outside.delete("deployments", "mine", namespace=place.namespace)
    assert finish(operation).message == "mine was deleted meanwhile."
    assert not is_kept()
    assert place.get("secrets", secret) is None
