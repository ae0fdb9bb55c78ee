"""Deploying, scaling, restarting and removing on the development cluster, with the portal's own rights."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers
from django.db import connection

from apps.accounts.models import User
from apps.audit.models import AuditEntry, Outcome
from apps.gateways.errors import NotFound
from apps.inference import actions, rollout
from apps.inference.actions import NameTaken
from apps.inference.models import ModelDeployment
from apps.operations.actions import cancel, retry
from apps.operations.models import Operation
from apps.operations.runner import execute
from apps.operations.statuses import OperationStatus
from tests.inference.real import Place, finish, lines, make_place
from tests.processes import Devcluster, until

pytestmark = [
    pytest.mark.xdist_group("deployments"),
    pytest.mark.devcluster,
    pytest.mark.django_db(transaction=True),
]
CANARY = "hf_canarycanarycanarycanary"


@pytest.fixture
def place(devcluster: Devcluster, transactional_db: None) -> Iterator[Place]:
    """A namespace of its own, emptied after the test."""
    made = make_place(devcluster)
    yield made
    made.clear()


def everything_stored() -> str:
    """All rows of all tables, as text."""
    return "".join(serializers.serialize("json", model.objects.all()) for model in apps.get_models())


def test_a_pool_comes_up_ready_and_unassigned(place: Place, alice: User) -> None:
    operation = place.deploy(alice, replicas=2, as_pool="on")
    assert operation.status == OperationStatus.SUCCEEDED, operation.message
    name = operation.target_name
    assert (name, operation.result["name"]) == ("vllm-qwen-qwen3-0-6b-pool", name)
    pods = place.outside.list("pods", namespace=place.namespace)
    assert [pod["metadata"]["labels"]["business"] for pod in pods] == ["unassigned", "unassigned"]
    assert place.names("services") == []
    assert any("of 2 pods ready" in line for line in lines(operation))


def test_the_audit_says_what_was_deployed_and_links_the_operation(place: Place, alice: User) -> None:
    operation = place.deploy(alice, run=False, name="mine")
    entry = AuditEntry.objects.get(code="inference.deploy")
    assert (entry.outcome, entry.actor_name, entry.target_name) == (Outcome.DONE, "alice", "mine")
    assert entry.operation_id == str(operation.pk)
    assert entry.after["model"] == "Qwen/Qwen3-0.6B"


def test_a_standard_deployment_brings_a_service_and_can_be_removed_whole(place: Place, alice: User) -> None:
    operation = place.deploy(alice, name="whole", token=CANARY)
    assert operation.status == OperationStatus.SUCCEEDED, operation.message
    record = ModelDeployment.objects.get(name="whole")
    assert place.names("services") == ["whole"]
    assert place.get("secrets", record.secret_name)
    gone = finish(actions.undeploy(by=alice, deployment=place.target(alice, "whole")))
    assert gone.status == OperationStatus.SUCCEEDED, gone.message
    assert [item["resource"] for item in gone.result["results"]] == ["service", "deployment"]
    assert (place.names("deployments"), place.names("services"), place.names("pods")) == ([], [], [])
    assert place.get("secrets", record.secret_name) is None
    assert ModelDeployment.objects.get(name="whole").removed_at is not None


def test_a_token_is_kept_in_the_cluster_only(place: Place, alice: User) -> None:
    operation = place.deploy(alice, name="canary", token=CANARY)
    record = ModelDeployment.objects.get(name="canary")
    secret = place.get("secrets", record.secret_name)
    assert secret and list(secret["data"]) == ["token"]
    stored = everything_stored()
    assert record.secret_name in stored, "the search sees what is there"
    assert CANARY not in stored
    assert CANARY not in str(place.get("deployments", "canary"))
    assert CANARY not in "\n".join(lines(operation))


def test_the_same_request_twice_writes_one_secret(place: Place, alice: User) -> None:
    first = place.deploy(alice, run=False, name="twice", token=CANARY, key="k")
    again = place.deploy(alice, run=False, name="twice", token=CANARY, key="k")
    assert first.pk == again.pk
    assert len(place.names("secrets")) == 1
    assert ModelDeployment.objects.count() == 1


def test_a_taken_name_is_refused_before_anything_is_written(place: Place, alice: User) -> None:
    place.deploy(alice, run=False, name="taken")
    with pytest.raises(NameTaken):
        place.deploy(alice, run=False, name="taken", token=CANARY)
    assert place.names("secrets") == []
    assert Operation.objects.count() == 1


def test_a_namespace_that_does_not_exist_leaves_nothing(place: Place, alice: User) -> None:
    operation = place.deploy(alice, name="nowhere", namespace="no-such-place")
    assert operation.status == OperationStatus.FAILED
    assert "no-such-place" in operation.message
    assert ModelDeployment.objects.get(name="nowhere").removed_at is not None
    with pytest.raises(NotFound):
        place.deploy(alice, namespace="no-such-place", token=CANARY)
    assert ModelDeployment.objects.count() == 1


def test_what_was_refused_can_be_retried_once_the_reason_is_gone(place: Place, alice: User) -> None:
    refused = place.deploy(alice, name="later", namespace=f"{place.namespace}-2")
    assert refused.status == OperationStatus.FAILED
    metadata = {"name": f"{place.namespace}-2"}
    place.outside.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    again = finish(retry(by=alice, operation=refused))
    assert again.status == OperationStatus.SUCCEEDED, again.message
    assert ModelDeployment.objects.get(name="later").removed_at is None


def test_one_request_sent_eight_times_at_once_deploys_once(place: Place, alice: User) -> None:
    def once(_number: int) -> int:
        try:
            return place.deploy(alice, run=False, key="same", token=CANARY).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        operations = set(pool.map(once, range(8)))
    print(f"8 requests at once: {len(operations)} operation, {ModelDeployment.objects.count()} record")
    assert (len(operations), ModelDeployment.objects.count(), len(place.names("secrets"))) == (1, 1, 1)


def test_one_name_wished_eight_times_at_once_goes_to_one(place: Place, alice: User) -> None:
    def once(number: int) -> int:
        try:
            return place.deploy(alice, run=False, name="wanted", key=f"k{number}", token=CANARY).pk
        except NameTaken:
            return 0
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(once, range(8)))
    print(f"8 wishes for one name: {sum(map(bool, answers))} winner, {answers.count(0)} refused")
    assert (sum(map(bool, answers)), answers.count(0)) == (1, 7)
    assert place.names("secrets") == [ModelDeployment.objects.get().secret_name]


def test_what_never_came_to_the_cluster_can_be_removed(place: Place, alice: User) -> None:
    place.deploy(alice, run=False, name="ghost")
    Operation.objects.update(status=OperationStatus.LOST)
    done = finish(actions.undeploy(by=alice, deployment=place.target(alice, "ghost")))
    assert done.status == OperationStatus.SUCCEEDED, done.message
    assert ModelDeployment.objects.get().removed_at is not None


def test_a_namesake_of_somebody_else_is_left_alone(place: Place, alice: User) -> None:
    other: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "theirs", "namespace": place.namespace},
        "spec": {"selector": {"app": "theirs"}, "ports": [{"port": 1}]},
    }
    place.outside.create(other)
    operation = place.deploy(alice, name="theirs")
    assert (operation.status, "exists already" in operation.message) == (OperationStatus.FAILED, True)
    assert place.names("deployments") == []
    service = place.get("services", "theirs")
    assert service and service["spec"]["selector"] == {"app": "theirs"}


def test_scaling_moves_both_ways_and_says_so(place: Place, alice: User) -> None:
    place.deploy(alice, name="wide")
    up = finish(actions.scale_deployment(by=alice, deployment=place.target(alice, "wide"), replicas=3))
    assert (up.status, up.result) == (OperationStatus.SUCCEEDED, {"before": 1, "after": 3})
    assert "From 1 to 3 pods." in lines(up)
    down = finish(actions.scale_deployment(by=alice, deployment=place.target(alice, "wide"), replicas=0))
    assert down.status == OperationStatus.SUCCEEDED, down.message
    entry = AuditEntry.objects.filter(code="inference.scale").latest("pk")
    assert (entry.before, entry.after) == ({"replicas": 3}, {"replicas": 0})


def test_restarting_replaces_every_pod(place: Place, alice: User) -> None:
    place.deploy(alice, name="fresh")
    quick = {"spec": {"minReadySeconds": 0}}
    place.outside.patch_merge("deployments", "fresh", quick, namespace=place.namespace)
    before = place.names("pods")
    done = finish(actions.restart_deployment(by=alice, deployment=place.target(alice, "fresh")))
    assert done.status == OperationStatus.SUCCEEDED, done.message
    until(lambda: not set(before) & set(place.names("pods")), what="the old pods to end")


def test_a_deployment_made_again_meanwhile_is_not_touched(place: Place, alice: User) -> None:
    place.deploy(alice, name="phoenix")
    target = place.target(alice, "phoenix")
    manifest = ModelDeployment.objects.get(name="phoenix").revisions.get().manifests[0]
    place.outside.delete("deployments", "phoenix", namespace=place.namespace)
    until(lambda: place.get("deployments", "phoenix") is None, seconds=20)
    place.outside.create(manifest)
    done = finish(actions.scale_deployment(by=alice, deployment=target, replicas=3))
    assert (done.status, "made again" in done.message) == (OperationStatus.FAILED, True)


def test_a_label_that_appears_after_the_request_still_guards_the_pool(place: Place, alice: User) -> None:
    place.deploy(alice, name="late")
    begun = actions.scale_deployment(by=alice, deployment=place.target(alice, "late"), replicas=3)
    body = {"metadata": {"labels": {"deployment-type": "model-pool"}}}
    place.outside.patch_merge("deployments", "late", body, namespace=place.namespace)
    done = finish(begun)
    assert (done.status, "Model Pool" in done.message) == (OperationStatus.FAILED, True)
    live = place.get("deployments", "late")
    assert live and live["spec"]["replicas"] == 1


def test_cancelling_takes_back_what_was_made(place: Place, alice: User) -> None:
    operation = place.deploy(alice, run=False, name="huge", replicas=5, gpus=8, token=CANARY)
    waiting_for_gpus(place, operation, "huge")
    cancel(by=alice, operation=operation)
    done = finish(operation)
    assert done.status == OperationStatus.CANCELLED
    assert (place.names("deployments"), place.names("services"), place.names("secrets")) == ([], [], [])
    assert ModelDeployment.objects.get(name="huge").removed_at is not None


def test_waiting_pods_are_explained_in_the_clusters_words(place: Place, alice: User) -> None:
    operation = place.deploy(alice, run=False, name="hungry", replicas=5, gpus=8)
    text = waiting_for_gpus(place, operation, "hungry")
    assert text.startswith(("0 of 5", "1 of 5", "2 of 5", "3 of 5", "4 of 5"))
    assert "Unschedulable" in text and "nvidia.com/gpu" in text


def waiting_for_gpus(place: Place, operation: Operation, name: str) -> str:
    """Run until the pods are asked for, and look until one of them says that it finds no GPU."""
    execute(operation.pk)
    look = rollout.Ready(place.outside, place.namespace, name)
    until(lambda: "Unschedulable" in look().text, seconds=30, what="a pod that finds no node")
    return look().text
