"""Logs and the proxy against model servers that run: what streams, what is freed, who answered."""

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from apps.gateways import labels, manifests
from apps.gateways.errors import GatewayError, Invalid, NotFound, Unreachable
from apps.gateways.kubernetes import Kubernetes
from tests.gateways.conftest import Cluster, gone
from tests.gateways.test_manifests import POOL
from tests.processes import until

pytestmark = [pytest.mark.devcluster, pytest.mark.xdist_group("gateways")]
SLOW = {"DEVCLUSTER_TOKENS_PER_SECOND": "20"}


@dataclass(frozen=True)
class Pool:
    """Two model servers and a business service that one of them is lent to."""

    client: Kubernetes
    namespace: str
    name: str
    service: str
    pods: list[str]

    def proxy(self, path: str, *, pod: str = "", **more: Any) -> Any:
        kind, name = ("pods", pod) if pod else ("services", self.service)
        port = 8000 if pod else "http"
        return self.client.proxy(kind, name, port, path, namespace=self.namespace, **more)  # type: ignore[arg-type]  # a literal, computed

    def chat(self, *, pod: str = "", tokens: int = 5, stream: bool = False) -> Any:
        body = {
            "model": "Qwen/Qwen3-0.6B",
            "messages": [{"role": "user", "content": "Tell a story."}],
            "max_tokens": tokens,
            "stream": stream,
        }
        head = {"Content-Type": "application/json"}
        data = json.dumps(body).encode()
        return self.proxy("v1/chat/completions", pod=pod, method="POST", body=data, headers=head)

    def running(self, pod: str) -> float:
        """Requests that the engine is working on, by its own metrics."""
        with self.proxy("metrics", pod=pod) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("vllm:num_requests_running"))


@pytest.fixture(scope="module")
def pool(cluster: Cluster) -> Iterator[Pool]:
    if cluster.real:
        pytest.skip("needs the development cluster's model servers")
    client, name, service = cluster.portal, f"pool-{uuid.uuid4().hex[:6]}", f"svc-{uuid.uuid4().hex[:6]}"
    place = {"namespace": cluster.namespace}
    for manifest in [
        *manifests.render(
            "model_pool", **{**POOL, **place, "name": name, "replicas": 2, "environment": SLOW}
        ),
        *manifests.render("business_service", **place, name=service, pool=name, business="production"),
    ]:
        client.create(manifest)
    until(lambda: ready(client, cluster.namespace, name) >= 2, seconds=60, what="two model servers")
    found = client.list("pods", label_selector=labels.selector({labels.APP: name}), **place)
    pods = sorted(item["metadata"]["name"] for item in found)
    lend(client, cluster.namespace, pods[0])
    made = Pool(client, cluster.namespace, name, service, pods)
    until(lambda: answers(made), seconds=30, what="the service to answer")
    yield made


def ready(client: Kubernetes, namespace: str, name: str) -> int:
    status = client.get("deployments", name, namespace=namespace).get("status") or {}
    return int(status.get("readyReplicas", 0))


def lend(client: Kubernetes, namespace: str, pod: str) -> None:
    operations = [
        {"op": "test", "path": "/metadata/labels/business", "value": labels.UNASSIGNED},
        {"op": "replace", "path": "/metadata/labels/business", "value": "production"},
        {"op": "replace", "path": "/metadata/annotations/hyperpod-portal.io~1intent", "value": "7"},
        {
            "op": "replace",
            "path": "/metadata/annotations/controller.kubernetes.io~1pod-deletion-cost",
            "value": labels.COST_LENT,
        },
    ]
    client.patch_json("pods", pod, operations, namespace=namespace)


def answers(pool: Pool) -> bool:
    try:
        with pool.proxy("health") as answer:
            return bool(answer.status == 200)
    except Unreachable:
        return False


def test_only_lent_pods_answer_for_a_business(pool: Pool) -> None:
    served: list[str] = []
    for _ in range(10):
        with pool.chat() as answer:
            served.append(answer.headers["x-served-by"])
            assert json.loads(answer.read())["system_fingerprint"] == served[-1]
    assert len(served) == 10 and set(served) == {pool.pods[0]}


def test_a_pod_is_asked_by_name(pool: Pool) -> None:
    for pod in pool.pods:
        with pool.proxy("v1/models", pod=pod) as answer:
            assert answer.headers["x-served-by"] == pod
            assert json.loads(answer.read())["data"][0]["id"] == "Qwen/Qwen3-0.6B"


def test_tokens_arrive_one_by_one(pool: Pool) -> None:
    with pool.chat(tokens=20, stream=True) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        chunks = list(answer.iter_bytes())
    assert len(chunks) >= 10
    assert b"".join(chunks).rstrip().endswith(b"data: [DONE]")


@pytest.mark.parametrize("from_thread", [False, True])
def test_hanging_up_frees_the_engine(pool: Pool, from_thread: bool) -> None:
    pod = pool.pods[1]
    answer = pool.chat(pod=pod, tokens=2000, stream=True)
    pieces = answer.iter_bytes()
    next(pieces)
    assert pool.running(pod) == 1
    if from_thread:
        reader = threading.Thread(target=lambda: list(pieces))
        reader.start()
    answer.close()
    until(lambda: pool.running(pod) == 0, seconds=10, what="the engine to be free")


def test_the_engines_own_errors_pass_through(pool: Pool) -> None:
    with pool.proxy("v1/no-such-thing") as answer:
        assert answer.status == 404
    with pool.chat() as fine, pool.proxy("v1/chat/completions", method="POST", body=b"{") as wrong:
        assert fine.status == 200 and 400 <= wrong.status < 500


def test_the_clusters_refusals_are_errors(pool: Pool) -> None:
    with pytest.raises(NotFound):
        pool.client.proxy("services", "nobody", "http", "health", namespace=pool.namespace)
    with pytest.raises(NotFound):
        pool.client.proxy("pods", "nobody", 8000, "health", namespace=pool.namespace)
    with pytest.raises(GatewayError):
        pool.client.proxy("pods", pool.pods[0], 9, "health", namespace=pool.namespace)


def test_a_service_without_pods_has_nobody_to_answer(pool: Pool) -> None:
    name = f"svc-{uuid.uuid4().hex[:6]}"
    (service,) = manifests.render(
        "business_service", name=name, namespace=pool.namespace, pool=pool.name, business="nobody"
    )
    pool.client.create(service)
    with pytest.raises(Unreachable):
        pool.client.proxy("services", name, "http", "health", namespace=pool.namespace)


def test_a_path_that_climbs_never_reaches_the_cluster(pool: Pool) -> None:
    for path in ("../../../../secrets", "%2e%2e/%2e%2e/x", "..%2f..%2fx"):
        with pytest.raises(Invalid):
            pool.proxy(path)


def test_a_log_is_read_tailed_and_followed(pool: Pool) -> None:
    client, pod = pool.client, pool.pods[0]
    whole = list(client.logs(pod, namespace=pool.namespace))
    assert len(whole) >= 3
    assert len(list(client.logs(pod, namespace=pool.namespace, tail=2))) == 2
    stamped = next(client.logs(pod, namespace=pool.namespace, timestamps=True))
    assert stamped[:2] == b"20" and stamped.endswith(whole[0])
    with client.logs(pod, namespace=pool.namespace, follow=True, tail=0) as lines:
        with pool.chat(pod=pod):
            pass
        assert b"POST /v1/chat/completions" in next(line for line in lines if b"POST" in line)


def test_a_followed_log_is_closed_from_another_thread(pool: Pool) -> None:
    lines = pool.client.logs(pool.pods[1], namespace=pool.namespace, follow=True)
    reader = threading.Thread(target=lambda: list(lines))
    reader.start()
    lines.close()
    reader.join(10)
    assert not reader.is_alive()


def test_logs_of_nothing(pool: Pool) -> None:
    with pytest.raises(NotFound):
        pool.client.logs("nobody", namespace=pool.namespace)
    with pytest.raises(Invalid, match="nope"):
        pool.client.logs(pool.pods[0], namespace=pool.namespace, container="nope")
    with pytest.raises(Invalid):
        pool.client.logs(pool.pods[0], namespace=pool.namespace, tail=-1)


def test_a_re_labelled_pod_keeps_its_owner_and_changes_hands_visibly(pool: Pool) -> None:
    found = pool.client.get("pods", pool.pods[0], namespace=pool.namespace)
    assert found["metadata"]["labels"][labels.BUSINESS] == "production"
    assert found["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet"
    managers = {entry["manager"] for entry in found["metadata"]["managedFields"]}
    assert labels.PORTAL in managers or any("portal" in manager for manager in managers)


def test_deleting_a_pool_takes_its_pods_along(pool: Pool) -> None:
    name = f"brief-{uuid.uuid4().hex[:6]}"
    values = {**POOL, "namespace": pool.namespace, "name": name, "replicas": 1, "grace_seconds": 1}
    pool.client.create(manifests.render("model_pool", **values)[0])
    selector = labels.selector({labels.APP: name})
    until(lambda: pool.client.list("pods", namespace=pool.namespace, label_selector=selector), seconds=30)
    pool.client.delete("deployments", name, namespace=pool.namespace)
    until(lambda: gone(pool.client, "deployments", name, pool.namespace), seconds=30)
    until(lambda: not pool.client.list("pods", namespace=pool.namespace, label_selector=selector), seconds=60)
