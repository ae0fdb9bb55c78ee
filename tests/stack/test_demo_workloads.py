"""The demo starts again on the database of before, with a new cluster: what is missing is seeded anew."""

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.inference.models import ModelDeployment
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from hyperpod_site import demo_workloads
from tests.inference.mirrored import Mirrored

pytestmark = pytest.mark.django_db
NAMES = [workload["name"] for workload in demo_workloads.WORKLOADS]


@pytest.fixture
def cluster() -> Cluster:
    """The demo's cluster, just registered."""
    server = "https://127.0.0.1:9"
    return Cluster.objects.create(slug="demo", name="Demo", server=server, default_namespace="default")


def look(cluster: Cluster, *names: str) -> None:
    """The watcher lists the cluster: two nodes with GPUs, and these deployments."""
    made = Mirrored(cluster.pk)
    made.node("node-1", gpus=8)
    made.node("node-2", gpus=8)
    for name in names:
        made.deployment(name)
    made.write()


def register_again(cluster: Cluster) -> None:
    cluster.server = "https://127.0.0.1:10"
    cluster.save()


def test_it_waits_for_a_list_of_this_starts_cluster(cluster: Cluster) -> None:
    assert not demo_workloads.listed(cluster)
    look(cluster)
    assert demo_workloads.listed(cluster)
    register_again(cluster)
    assert not demo_workloads.listed(cluster)


def test_the_second_start_deploys_again_under_the_same_names(cluster: Cluster, alice: User) -> None:
    look(cluster)
    assert list(demo_workloads.deploy_all(by=alice, cluster=cluster)) == NAMES
    Operation.objects.update(status=OperationStatus.SUCCEEDED, ended_at=timezone.now())
    look(cluster, *NAMES)
    assert demo_workloads.deploy_all(by=alice, cluster=cluster) == {}
    register_again(cluster)
    look(cluster)
    assert list(demo_workloads.deploy_all(by=alice, cluster=cluster)) == NAMES
    assert ModelDeployment.objects.filter(removed_at=None).count() == len(NAMES)


def test_a_name_that_earlier_work_still_holds_is_waited_for(cluster: Cluster, alice: User) -> None:
    look(cluster)
    demo_workloads.deploy_all(by=alice, cluster=cluster)
    assert not demo_workloads.settled(cluster, NAMES[0])
    ModelDeployment.objects.update(removed_at=timezone.now())
    assert demo_workloads.settled(cluster, NAMES[0])
