"""A namespace of its own on the development cluster, the portal's row for it, operations run to their end."""

import contextlib
import itertools
import time
import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Now

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.gateways.connection import from_kubeconfig
from apps.gateways.errors import NotFound
from apps.gateways.kubernetes import Kubernetes
from apps.inference.actions import deploy_model
from apps.inference.forms import DeployForm
from apps.inference.selectors import deployments
from apps.inference.targets import DeploymentTarget
from apps.operations.models import Operation, OperationLine
from apps.operations.runner import execute
from apps.operations.statuses import OperationStatus
from tests.inference.mirrored import look
from tests.processes import Devcluster, until

numbers = itertools.count(1)
COMMAND = "vllm serve Qwen/Qwen3-0.6B --max-model-len 4096"


@dataclass
class Place:
    """`outside` speaks as the cluster's admin; the portal's own row has its least-privilege account."""

    cluster: Cluster
    namespace: str
    outside: Kubernetes

    def look(self) -> None:
        """Bring the mirror up to date."""
        look(self.cluster.pk, self.outside)

    def deploy(self, by: User, *, run: bool = True, **wishes: Any) -> Operation:
        """Deploy by the form's rules, and unless told otherwise run the operation to its end."""
        data = {"command": COMMAND, "replicas": 1, "namespace": self.namespace, **wishes}
        form = DeployForm(data, cluster=self.cluster)
        assert form.is_valid(), form.errors
        token, key = form.cleaned_data["token"], form.cleaned_data["key"]
        operation = deploy_model(by=by, cluster=self.cluster, wish=form.wish, token=token, key=key)
        return finish(operation) if run else operation

    def target(self, by: User, name: str) -> DeploymentTarget:
        """The deployment, as the mirror has it now."""
        self.look()
        return deployments.target(by, self.cluster.slug, self.namespace, name)

    def get(self, resource: str, name: str) -> dict[str, Any] | None:
        """An object, None when there is none."""
        try:
            return self.outside.get(resource, name, namespace=self.namespace)
        except NotFound:
            return None

    def clear(self) -> None:
        """Remove what a test left, pods at once, so that their GPUs are free for the next."""
        for name in self.names("deployments"):
            self.outside.delete("deployments", name, namespace=self.namespace)
        until(self.emptied, seconds=60, every=0.2, what="its pods to go")

    def emptied(self) -> bool:
        """Whether no pod is left; those that are there are told to go now."""
        left = self.names("pods")
        for name in left:
            with contextlib.suppress(NotFound):
                self.outside.delete("pods", name, namespace=self.namespace, grace=0)
        return not left

    def names(self, resource: str) -> list[str]:
        """What there is of a kind."""
        return [item["metadata"]["name"] for item in self.outside.list(resource, namespace=self.namespace)]


def make_place(devcluster: Devcluster) -> Place:
    """A new namespace and a row that leads there."""
    outside = Kubernetes(from_kubeconfig(devcluster.admin_kubeconfig))
    return place_in(devcluster, outside, new_namespace(outside))


def new_namespace(outside: Kubernetes) -> str:
    """A namespace that nobody else uses."""
    name = f"inference-{uuid.uuid4().hex[:8]}"
    outside.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def place_in(devcluster: Devcluster, outside: Kubernetes, namespace: str) -> Place:
    """A row that leads to the namespace."""
    portal = from_kubeconfig(devcluster.portal_kubeconfig)
    cluster = Cluster.objects.create(
        slug=f"real-{next(numbers)}",
        name="Real",
        server=portal.server,
        ca_data=portal.ca_data,
        token=portal.token,
        client_certificate_data=portal.client_certificate_data,
        client_key_data=portal.client_key_data,
        default_namespace=namespace,
    )
    return Place(cluster, namespace, outside)


def finish(operation: Operation, *, seconds: float = 60) -> Operation:
    """Run it here, without waiting between looks, until it has ended."""
    end = time.monotonic() + seconds
    while operation.active:
        assert time.monotonic() < end, (operation.status, lines(operation))
        Operation.objects.filter(pk=operation.pk, status=OperationStatus.WAITING).update(next_look_at=Now())
        if not execute(operation.pk):
            time.sleep(0.1)
        time.sleep(0.1)
        operation.refresh_from_db()
    return operation


def lines(operation: Operation) -> list[str]:
    """What it said."""
    found = OperationLine.objects.filter(operation=operation).order_by("seq")
    return list(found.values_list("text", flat=True))
