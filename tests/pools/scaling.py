"""Pools for scale-downs, and a watch that sees which lent pods the cluster deletes."""

import contextlib
import threading
from types import TracebackType
from typing import Any, Self

import orjson

from apps.accounts.models import User
from apps.gateways import labels
from apps.gateways.connection import from_kubeconfig
from apps.gateways.errors import GatewayError, NotFound
from apps.gateways.kubernetes import Kubernetes
from apps.inference.naming import priority_class
from apps.operations.models import Operation
from apps.pools.scaling.actions import scale_pool
from apps.pools.scaling.names import fence_name, is_detached
from apps.pools.scaling.state import read
from tests.pools.world import Stage, World, control, new_namespace, pool_manifests
from tests.processes import Devcluster, until


class Losses:
    """Pods that were lent when somebody asked for their end."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lent: list[str] = []
        self.ended: set[str] = set()
        self.born: list[str] = []

    def __enter__(self) -> Self:
        listing = self.world.outside.transport.request(
            "GET", f"/api/v1/namespaces/{self.world.namespace}/pods"
        )
        revision = orjson.loads(listing)["metadata"]["resourceVersion"]
        self.watch = self.world.outside.watch(
            "pods", resource_version=revision, namespace=self.world.namespace
        )
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        return self

    def read(self) -> None:
        with contextlib.suppress(GatewayError):
            for line in self.watch:
                event = orjson.loads(line)
                if event["type"] in ("ADDED", "MODIFIED", "DELETED"):
                    self.note(event["type"], event["object"])

    def note(self, kind: str, pod: dict[str, Any]) -> None:
        meta = pod["metadata"]
        ending = meta.get("deletionTimestamp") or kind == "DELETED"
        if kind == "ADDED":
            self.born.append(meta["name"])
        if ending:
            self.ended.add(meta["name"])
        business = meta.get("labels", {}).get(labels.BUSINESS, "")
        if ending and business and not labels.is_reserved(business) and meta["name"] not in self.lent:
            self.lent.append(meta["name"])

    def wait_for(self, ends: int) -> None:
        until(lambda: len(self.ended) == ends, what=f"the end of {ends} pods")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.watch.close()
        self.thread.join(5)


def quick_stage(
    devcluster: Devcluster, *, namespace: str, replicas: int, businesses: tuple[str, ...], node: str = ""
) -> Stage:
    """A pool with a PriorityClass of its own whose pods are Ready as soon as they answer, on `node` if
    given; one that is there is taken as it is.
    """
    outside = Kubernetes(from_kubeconfig(devcluster.admin_kubeconfig))
    stage = Stage(devcluster, outside, namespace, replicas=replicas, businesses=businesses)
    with contextlib.suppress(NotFound):
        outside.get("namespaces", namespace)
        return stage
    new_namespace(outside, namespace)
    name = priority_class(namespace, stage.pool)
    kind = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}}
    outside.create({**kind, "value": 0})
    for manifest in pool_manifests(namespace, replicas):
        outside.create(quick(manifest, name, node))
    return stage


def quick(manifest: dict[str, Any], priority: str, node: str) -> dict[str, Any]:
    """The pool's Deployment with its class, and probes that look every second."""
    spec = manifest["spec"]["template"]["spec"]
    spec["priorityClassName"] = priority
    if node:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node}
    for probe in ("startupProbe", "readinessProbe"):
        spec["containers"][0][probe]["periodSeconds"] = 1
    return manifest


def classify(stage: Stage) -> None:
    """Give a stage's pool the PriorityClass that a deployment by the portal gives it; its pods start anew."""
    name = priority_class(stage.namespace, stage.pool)
    kind = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}}
    stage.outside.create({**kind, "value": 0})
    change = {"spec": {"template": {"spec": {"priorityClassName": name}}}}
    stage.outside.patch_merge("deployments", stage.pool, change, namespace=stage.namespace)
    until(lambda: rolled_out(stage), seconds=90, every=0.3, what="the pool's new version")


def rolled_out(stage: Stage) -> bool:
    state = read(stage.outside, namespace=stage.namespace, name=stage.pool)
    return state.seen and state.peopled == 1 and len(state.pods) == len(state.live) == state.replicas


def state_of(world: World) -> Any:
    return read(world.outside, namespace=world.namespace, name=world.pool)


def settled(world: World, replicas: int) -> None:
    """Until the cluster has so many pods, all of them live, and knows it."""

    def look() -> bool:
        state = state_of(world)
        ready = all(pod.ready for pod in state.live)
        return state.seen and ready and len(state.pods) == len(state.live) == state.counted == replicas

    until(look, seconds=60, every=0.2, what=f"{replicas} settled pods")


def resize(world: World, replicas: int) -> None:
    """What kubectl does."""
    world.outside.scale("deployments", world.pool, replicas, namespace=world.namespace)


def begin(world: World, by: User, replicas: int, **more: Any) -> Operation:
    return scale_pool(by=by, pool=world.target, replicas=replicas, **more)


def autoscaler(pool: World, version: str, kind: str) -> dict[str, Any]:
    """One that targets the pool: a HorizontalPodAutoscaler, or KEDA's ScaledObject."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": pool.pool}
    most = "maxReplicas" if kind.startswith("Horizontal") else "maxReplicaCount"
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "hungry", "namespace": pool.namespace},
        "spec": {"scaleTargetRef": target, most: 9},
    }


def lend(world: World, names: list[str]) -> None:
    """Lent as `assign` leaves a pod, without its history."""
    for name in names:
        body = {
            "metadata": {
                "labels": {labels.BUSINESS: "production"},
                "annotations": {labels.DELETION_COST: labels.COST_LENT},
            }
        }
        world.outside.patch_merge("pods", name, body, namespace=world.namespace)


def unready(world: World, names: list[str]) -> None:
    for name in names:
        control(world.outside, "POST", {"kind": "unready", "namespace": world.namespace, "name": name})
    until(lambda: not any(pod.ready for pod in world.pods() if pod.name in names), what="pods not ready")


def leftovers(world: World) -> list[str]:
    """Whatever a scale-down should not have left behind."""
    state = state_of(world)
    found = [f"detached {pod.name}" for pod in state.pods if is_detached(pod)]
    found += [f"retiring {pod.name}" for pod in state.live if pod.business == labels.RETIRING]
    found += ["mark"] if state.mark else []
    quotas = world.outside.list("resourcequotas", namespace=world.namespace)
    return found + [
        item["metadata"]["name"] for item in quotas if item["metadata"]["name"] == fence_name(world.pool)
    ]
