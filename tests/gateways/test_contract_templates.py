"""Our templates against an API server, on the development cluster and that of TEST_KUBECONFIG."""

import pytest

from apps.gateways import manifests
from tests.gateways.conftest import Cluster
from tests.gateways.test_manifests import POOL, TRICKS
from tests.gateways.things import deployment, fresh

pytestmark = [pytest.mark.devcluster, pytest.mark.xdist_group("gateways")]


def test_the_cluster_accepts_every_template_with_every_option(cluster: Cluster) -> None:
    place = {"name": fresh("all"), "namespace": cluster.namespace, "actor": "alice", "operation": "7"}
    workload = {
        "cpu": "500m", "memory": "1Gi", "instance_types": ["ml.g5.12xlarge"], "token_secret": "hf",
        "model_claim": "models", "cache_path": "/opt/cache", "environment": {"A": "b"},
    }  # fmt: skip
    service = {"load_balancer": "internal", "port": 9000}
    rendered = [
        *manifests.render("model_pool", **{**POOL, **place, **workload}),
        *manifests.render("model_deployment", **{**POOL, **place, **workload}),
        *manifests.render("model_service", **place, **service, deployment="d", model_type="vllm"),
        *manifests.render("business_service", **place, **service, pool="p", business="production"),
    ]
    assert [cluster.portal.create(manifest, dry_run=True)["kind"] for manifest in rendered] == [
        "Deployment", "Deployment", "Service", "Service",
    ]  # fmt: skip


def test_the_cluster_keeps_values_exactly(cluster: Cluster) -> None:
    name = fresh("tricks")
    manifest = deployment(
        cluster, name, command=["vllm", *TRICKS], environment=dict.fromkeys(["X"], TRICKS[0])
    )
    cluster.portal.apply(manifest)
    found = cluster.portal.get("deployments", name, namespace=cluster.namespace)
    container = found["spec"]["template"]["spec"]["containers"][0]
    assert [manifests.from_literal(word) for word in container["command"]] == ["vllm", *TRICKS]
    assert (
        list(found["spec"]["template"]["metadata"]["labels"]) and len(container["command"]) == len(TRICKS) + 1
    )
