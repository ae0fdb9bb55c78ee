"""A cluster that exists only in the mirror, for everything that never asks the cluster."""

import pytest

from apps.clusters.models import Cluster
from tests.inference.calling import address, served, web
from tests.inference.mirrored import Mirrored

__all__ = ["address", "served", "web"]  # fixtures of calling.py


@pytest.fixture
def cluster(db: None) -> Cluster:
    """A registered cluster whose server answers nobody."""
    return Cluster.objects.create(
        slug="demo", name="Demo", server="https://127.0.0.1:9", token="t", default_namespace="default"
    )


@pytest.fixture
def mirrored(cluster: Cluster) -> Mirrored:
    """Two nodes (8 and 4 GPUs), a pool with two pods, a standard deployment with its Service."""
    made = Mirrored(cluster.pk)
    made.node("node-1", gpus=8)
    made.node("node-2", gpus=4, instance_type="ml.g5.12xlarge")
    made.deployment("vllm-qwen-pool", kind="model-pool", replicas=2, ready=1)
    made.pod("vllm-qwen-pool-a", app="vllm-qwen-pool", kind="model-pool", business="production")
    made.pod("vllm-qwen-pool-b", app="vllm-qwen-pool", kind="model-pool", ready=False)
    made.deployment("vllm-llama", replicas=1, ready=1)
    made.service("vllm-llama", selector={"app": "vllm-llama"}, pods=["vllm-llama-x"])
    made.write()
    return made
