"""The living models of the demo, made by the same actions as people use; whatever is there already stays."""

from typing import Any

from django.core.management.base import CommandError

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.inference.actions import deploy_model
from apps.inference.forms import DeployForm
from apps.live import mirror
from apps.operations.models import Operation

WORKLOADS: tuple[dict[str, Any], ...] = (
    {
        "name": "qwen3-pool",
        "command": "vllm serve Qwen/Qwen3-0.6B --tensor-parallel-size 1 --max-model-len 4096",
        "replicas": 6,
        "as_pool": True,
    },
    {
        "name": "llama-chat",
        "command": "python -m sglang.launch_server --model-path meta-llama/Llama-3.1-8B-Instruct --tp-size 2",
        "replicas": 2,
    },
)


def deploy_all(*, by: User, cluster: Cluster) -> list[Operation]:
    """Begin to deploy what the cluster does not have yet."""
    there = set(mirror.objects(cluster.pk, "deployments").values_list("name", flat=True))
    return [deploy(by, cluster, workload) for workload in WORKLOADS if workload["name"] not in there]


def deploy(by: User, cluster: Cluster, workload: dict[str, Any]) -> Operation:
    """One workload through the form that people fill in."""
    form = DeployForm({"namespace": cluster.default_namespace, **workload}, cluster=cluster)
    if not form.is_valid():
        raise CommandError(f"{workload['name']}: {form.errors.as_text()}")
    return deploy_model(by=by, cluster=cluster, wish=form.wish, reason="demo")
