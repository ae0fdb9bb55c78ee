"""A pool in a namespace of its own on the development cluster, and the portal's row that leads there."""

import contextlib
import itertools
import uuid
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.gateways import labels, manifests
from apps.gateways.connection import from_kubeconfig
from apps.gateways.errors import Forbidden, NotFound
from apps.gateways.kubernetes import Kubernetes
from apps.pools.actions import assign_pod
from apps.pools.business import ServiceWish, create, services_of
from apps.pools.handover.records import record_of
from apps.pools.live_view import PodFacts, look, pods_of
from apps.pools.models import Holding, PoolRecord
from apps.pools.scaling.names import is_detached
from apps.pools.scaling.state import read
from apps.pools.targets import PodTarget, PoolTarget
from tests.inference import mirrored
from tests.processes import Devcluster, until

numbers = itertools.count(1)


@dataclass
class World:
    """One pool. `outside` speaks as the cluster's admin, like somebody with kubectl."""

    cluster: Cluster
    namespace: str
    pool: str
    portal: Kubernetes
    outside: Kubernetes

    @property
    def target(self) -> PoolTarget:
        return PoolTarget(self.cluster.pk, self.cluster.slug, self.namespace, self.pool)

    @property
    def record(self) -> PoolRecord:
        return record_of(self.cluster.pk, self.namespace, self.pool)

    def pod_target(self, name: str, business: str) -> PodTarget:
        return PodTarget(self.target, name, business)

    def pods(self) -> list[PodFacts]:
        return pods_of(self.outside, namespace=self.namespace, pool=self.pool)

    def names(self) -> list[str]:
        return sorted(pod.name for pod in self.pods() if pod.alive)

    def pod(self, name: str) -> PodFacts:
        return next(pod for pod in self.pods() if pod.name == name)

    def business_of(self, name: str) -> str:
        return self.pod(name).business

    def relabel(self, name: str, business: str) -> None:
        """What `kubectl label --overwrite` does."""
        body = {"metadata": {"labels": {labels.BUSINESS: business}}}
        self.outside.patch_merge("pods", name, body, namespace=self.namespace)

    def wait_ready(self, count: int) -> None:
        until(lambda: len(self.ready()) == count, seconds=60, what=f"{count} ready pods")

    def ready(self) -> list[PodFacts]:
        view = look(self.outside, namespace=self.namespace, name=self.pool)
        return [pod for pod in view.pods if pod.ready and view.live(pod)]

    def held(self) -> QuerySet[Holding]:
        """The open intervals of this pool."""
        return Holding.objects.filter(pool=self.record, to_at=None)

    def mirror(self) -> None:
        """One look of a watcher at this namespace: other tests of the worker have pools of the same name."""
        mirrored.look(self.cluster.pk, self.outside, namespace=self.namespace)

    def mishap(self, **body: Any) -> dict[str, Any]:
        return control(self.outside, "POST", body)

    def calm(self) -> None:
        control(self.outside, "DELETE", None)


def control(outside: Kubernetes, method: str, body: dict[str, Any] | None) -> dict[str, Any]:
    """Ask the development cluster's own door for mishaps. A real one has none: the test is skipped that needs
    one.
    """
    try:
        answer = outside.transport.request(method, "/devcluster/mishaps", body=body)
    except (NotFound, Forbidden):
        if method == "POST":
            pytest.skip("needs a mishap of the development cluster")
        return {}
    return dict(orjson.loads(answer)) if answer.startswith(b"{") else {}


@dataclass
class Stage:
    """A namespace with a pool on the development cluster; tests of a worker share it, one after the other."""

    devcluster: Devcluster
    outside: Kubernetes
    namespace: str
    pool: str = "llm"
    replicas: int = 4
    businesses: tuple[str, ...] = ("production", "testing")

    def reset(self) -> None:
        """Everything as at the beginning: open nodes, the services, so many ready pods, all of them free."""
        control(self.outside, "DELETE", None)
        self.open_nodes()
        self.unfence()
        self.outside.scale("deployments", self.pool, self.replicas, namespace=self.namespace)
        self.restore_services()
        until(self.settled, seconds=60, every=0.2, what="the pool to settle", told=self.told)

    def open_nodes(self) -> None:
        """Undo the cordons of an earlier test."""
        for node in self.outside.list("nodes"):
            if node["spec"].get("unschedulable"):
                change = {"spec": {"unschedulable": False}}
                self.outside.patch_merge("nodes", node["metadata"]["name"], change)

    def unfence(self) -> None:
        """Forget a scale-down that an earlier test left half done."""
        for quota in self.outside.list("resourcequotas", namespace=self.namespace):
            self.outside.delete("resourcequotas", quota["metadata"]["name"], namespace=self.namespace)
        gone = {"metadata": {"annotations": {labels.SCALE: None}}}
        self.outside.patch_merge("deployments", self.pool, gone, namespace=self.namespace)

    def told(self) -> str:
        """What the pods look like, for the message of a wait that has failed."""
        return ", ".join(
            f"{pod.name} {pod.state} ready={pod.ready} {pod.business} on {pod.node or 'no node'}"
            for pod in pods_of(self.outside, namespace=self.namespace, pool=self.pool)
        )

    def restore_services(self) -> None:
        known = {item.name for item in services_of(self.outside, namespace=self.namespace, pool=self.pool)}
        wanted = {f"{self.pool}-{tag}": tag for tag in self.businesses}
        for name in known - wanted.keys():
            self.outside.delete("services", name, namespace=self.namespace)
        for name in wanted.keys() - known:
            wish = ServiceWish(name=name, business=wanted[name])
            create(self.outside, namespace=self.namespace, pool=self.pool, wish=wish)

    def settled(self) -> bool:
        view = look(self.outside, namespace=self.namespace, name=self.pool)
        for pod in view.pods:
            with contextlib.suppress(NotFound):  # it ended since
                self.tidy(pod)
        good = [pod for pod in view.pods if pod.ready and view.live(pod)]
        free = all(pod.business == labels.UNASSIGNED and not pod.stamp for pod in good)
        known = read(self.outside, namespace=self.namespace, name=self.pool)
        return len(view.pods) == len(good) == self.replicas == known.counted and free and known.seen

    def tidy(self, pod: PodFacts) -> None:
        """Nobody has it; what a controller does not count any more ends."""
        if (not pod.alive and not pod.deleting) or is_detached(pod):
            self.outside.delete("pods", pod.name, namespace=self.namespace, grace=0)
        elif pod.business != labels.UNASSIGNED or pod.stamp:
            self.free(pod.name)

    def free(self, name: str) -> None:
        fresh = {labels.INTENT: "", labels.DELETION_COST: labels.COST_FREE}
        body = {"metadata": {"labels": {labels.BUSINESS: labels.UNASSIGNED}, "annotations": fresh}}
        self.outside.patch_merge("pods", name, body, namespace=self.namespace)

    def drop(self) -> None:
        """Give its GPUs back."""
        with contextlib.suppress(NotFound):
            self.outside.delete("deployments", self.pool, namespace=self.namespace)
        for pod in pods_of(self.outside, namespace=self.namespace, pool=self.pool):
            with contextlib.suppress(NotFound):
                self.outside.delete("pods", pod.name, namespace=self.namespace, grace=0)


OURS = "hyperpod-portal.io/test=pools"
"""The label of every namespace of these tests."""


def new_namespace(outside: Kubernetes, name: str) -> None:
    """One of ours."""
    metadata = {"name": name, "labels": dict([OURS.split("=")])}
    outside.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def make_stage(devcluster: Devcluster, *, replicas: int = 4) -> Stage:
    """A pool in a new namespace."""
    outside = Kubernetes(from_kubeconfig(devcluster.admin_kubeconfig))
    namespace = f"pools-{next(numbers)}-{uuid.uuid4().hex[:6]}"
    new_namespace(outside, namespace)
    for manifest in pool_manifests(namespace, replicas):
        outside.create(manifest)
    return Stage(devcluster, outside, namespace, replicas=replicas)


def world_on(stage: Stage) -> World:
    """The stage, reset, and a row of the portal that leads there."""
    stage.reset()
    cluster = make_cluster(stage.devcluster)
    return World(cluster, stage.namespace, stage.pool, Kubernetes(portal(stage.devcluster)), stage.outside)


def portal(devcluster: Devcluster) -> Any:
    return from_kubeconfig(devcluster.portal_kubeconfig)


def make_cluster(devcluster: Devcluster) -> Cluster:
    connection = portal(devcluster)
    return Cluster.objects.create(
        slug=f"c{next(numbers)}",
        name="Test",
        server=connection.server,
        ca_data=connection.ca_data,
        token=connection.token,
        client_certificate_data=connection.client_certificate_data,
        client_key_data=connection.client_key_data,
    )


def pool_manifests(namespace: str, replicas: int) -> list[dict[str, Any]]:
    return manifests.render(
        "model_pool",
        name="llm",
        namespace=namespace,
        model_type="vllm",
        model_id="Qwen/Qwen3-0.6B",
        image="vllm/vllm-openai:latest",
        command=["vllm", "serve", "Qwen/Qwen3-0.6B", "--port", "8000"],
        replicas=replicas,
        gpus=1,
        grace_seconds=1,
        min_ready_seconds=0,
    )


def assign(world: World, by: User, name: str, business: str, **more: Any) -> Any:
    return assign_pod(by=by, pod=world.pod_target(name, business), **more)
