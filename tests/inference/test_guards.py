"""The gate before pools: every write that inference knows is tried on a pool."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.audit import registry
from apps.audit.models import AuditEntry, Outcome
from apps.clusters.models import Cluster
from apps.inference import actions, guards
from apps.inference.guards import NotAModel, PoolRefused
from apps.inference.models import ModelDeployment
from apps.inference.selectors import deployments
from apps.inference.targets import DeploymentTarget
from apps.operations.models import Operation
from tests.inference.mirrored import Mirrored

POOL = "vllm-qwen-pool"
WISHES: dict[str, dict[str, Any]] = {"scale": {"replicas": 1}, "restart": {}, "undeploy": {}}
ACTIONS = {
    "scale": actions.scale_deployment,
    "restart": actions.restart_deployment,
    "undeploy": actions.undeploy,
}


@pytest.fixture
def unregistered() -> Iterator[None]:
    """As if pools had registered nothing."""
    kept = dict(guards._handlers)
    guards._handlers.clear()
    yield
    guards._handlers.clear()
    guards._handlers.update(kept)


# Makes a new Deployment; acts on a pod, and on a Service, whose own guards test_panels.py tries.
NOT_ON_A_DEPLOYMENT = {"inference.deploy", "inference.delete_pod", "inference.delete_service"}


def test_every_write_on_deployments_is_tried_here() -> None:
    known = {entry.code for entry in registry.actions() if entry.code.startswith("inference.")}
    assert known - NOT_ON_A_DEPLOYMENT == {f"inference.{verb}" for verb in WISHES}
    assert set(WISHES) == set(guards.VERBS)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", guards.VERBS)
def test_a_pool_is_refused_where_pools_registered_nothing(
    verb: str, alice: User, mirrored: Mirrored, unregistered: None
) -> None:
    target = deployments.target(alice, "demo", "default", POOL)
    with pytest.raises(PoolRefused, match="Model Pool"):
        ACTIONS[verb](by=alice, deployment=target, **WISHES[verb])
    assert Operation.objects.count() == 0
    assert AuditEntry.objects.get().outcome == Outcome.FAILED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", guards.VERBS)
def test_the_same_write_on_a_standard_deployment_begins(
    verb: str, alice: User, mirrored: Mirrored, unregistered: None
) -> None:
    target = deployments.target(alice, "demo", "default", "vllm-llama")
    operation = ACTIONS[verb](by=alice, deployment=target, **WISHES[verb])
    assert operation.runner == f"inference.{verb}"


@pytest.mark.django_db(transaction=True)
def test_a_registered_handler_does_the_pools_part(
    alice: User, mirrored: Mirrored, unregistered: None
) -> None:
    asked: list[DeploymentTarget] = []

    def handler(*, deployment: DeploymentTarget, **wish: Any) -> Operation:
        asked.append(deployment)
        return Operation(title=str(sorted(wish)))

    guards.register_pool_handler("undeploy", handler)
    target = deployments.target(alice, "demo", "default", POOL)
    answer = actions.undeploy(by=alice, deployment=target, confirm=POOL)
    assert asked == [target]
    assert answer.title == "['confirm', 'key', 'part']"


@pytest.mark.django_db
def test_a_pool_stays_one_when_its_label_was_removed(
    alice: User, mirrored: Mirrored, cluster: Cluster
) -> None:
    wanted = {"engine": "vllm", "model_id": "m", "command": "c", "image": "i", "port": 1, "gpus": 1}
    ModelDeployment.objects.create(
        cluster=cluster,
        namespace="default",
        name="vllm-llama",
        kind="model-pool",
        replicas=1,
        created_by="alice",
        **wanted,
    )
    assert deployments.target(alice, "demo", "default", "vllm-llama").kind == "model-pool"


def test_the_clusters_own_label_is_asked_before_a_write() -> None:
    with pytest.raises(PoolRefused):
        guards.require_standard({"metadata": {"name": "x", "labels": {"deployment-type": "model-pool"}}})
    with pytest.raises(NotAModel):
        guards.require_standard({"metadata": {"name": "coredns", "labels": {"k8s-app": "kube-dns"}}})
    guards.require_standard({"metadata": {"name": "x", "labels": {"model-type": "vllm"}}})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", guards.VERBS)
def test_what_serves_no_model_is_left_alone(verb: str, alice: User, cluster: Cluster) -> None:
    made = Mirrored(cluster.pk)
    made.add("deployments", "coredns", "kube-system", spec={"replicas": 2})
    made.write()
    target = deployments.target(alice, "demo", "kube-system", "coredns")
    with pytest.raises(NotAModel, match="leaves it alone"):
        ACTIONS[verb](by=alice, deployment=target, **WISHES[verb])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", guards.VERBS)
def test_pages_and_api_answer_409(
    verb: str, alice: User, mirrored: Mirrored, unregistered: None, client_of: Callable[[User], Client]
) -> None:
    client = client_of(alice)
    address = reverse(f"inference:{verb}", args=["demo", "default", POOL])
    assert client.post(address, WISHES[verb] | {"part": "all"}).status_code == 409
    flat = {
        "scale": ("scale-deployment", {"deploymentName": POOL, "targetReplicas": 1}),
        "undeploy": ("undeploy", {"modelTag": POOL}),
    }
    if verb in flat:
        path, body = flat[verb]
        answer = client.post(f"/api/{path}", body, content_type="application/json")
        assert (answer.status_code, answer.headers["Content-Type"]) == (409, "application/problem+json")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("page", "code", "place"),
    [
        ("deploy", "inference.deploy", {}),
        ("scale", "inference.scale", {"namespace": "default", "name": "vllm-llama"}),
        ("undeploy", "inference.undeploy", {"namespace": "default", "name": "vllm-llama"}),
    ],
)
def test_a_viewers_form_that_cannot_be_read_is_refused_and_audited_once(
    mirrored: Mirrored, bob: User, alice: User, client_of: Callable[[User], Client], page: str, code: str,
    place: dict[str, str],
) -> None:  # fmt: skip
    url = reverse(f"inference:{page}", kwargs={"cluster": "demo", **place})
    wrong = {"replicas": "many", "command": "", "what": "nonsense", "part": "nonsense"}
    assert client_of(alice).post(url, wrong).status_code == 422
    assert client_of(bob).post(url, wrong).status_code == 403
    entry = AuditEntry.objects.get()
    assert (entry.code, entry.outcome, entry.actor_name, entry.cluster) == (code, "denied", "bob", "demo")
