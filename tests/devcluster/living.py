"""A whole development cluster in virtual time, for tests of its living half."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from devcluster.clock import Clock
from devcluster.objects import Json, labels_of, with_metadata, with_spec
from devcluster.options import Options
from devcluster.resources import resource
from devcluster.store import Store
from devcluster.world import World

START = 1_800_000_000.0
PODS = resource("pods")
DEPLOYMENTS = resource("deployments")
Answer = TypeVar("Answer")


class Living:
    """Seeded and started; nothing moves until `step` or `until`."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock(start=START)
        self.store = Store(now=self.clock.now)
        settings: dict[str, Any] = {"nodes": 3, "lag": 0.5, "startup": 1.0, **options}
        self.world = World(self.store, Options(**settings), clock=self.clock)
        self.world.seed()

    async def step(self, seconds: float) -> None:
        await self.world.step(seconds)

    async def until(self, check: Callable[[], Answer], within: float = 120.0, every: float = 0.25) -> Answer:
        """Let time pass until `check` is true; its answer. AssertionError after `within` virtual seconds."""
        end = self.clock.now() + within
        while self.clock.now() < end:
            if answer := check():
                return answer
            await self.step(every)
        raise AssertionError(f"not within {within} s")

    # --- objects ------------------------------------------------------------------------------------

    def create(self, kind: str, manifest: Json) -> Json:
        body = with_metadata(manifest, namespace=manifest["metadata"].get("namespace", "default"))
        return self.world.registry.create(resource(kind), body, manager="test")

    def get(self, kind: str, name: str, namespace: str = "default") -> Json:
        return self.store.get(resource(kind), namespace, name)

    def find(self, kind: str, name: str, namespace: str = "default") -> Json | None:
        return self.store.find(resource(kind), namespace, name)

    def change(self, kind: str, name: str, change: Callable[[Json], Json], *, subresource: str = "") -> Json:
        """Read, change, write: what a client does with a fresh copy."""
        return self.store.update(resource(kind), change(self.get(kind, name)), subresource=subresource)

    def delete(self, kind: str, name: str, **options: Any) -> None:
        self.world.registry.delete(resource(kind), "default", name, **options)

    def label(self, pod: str, **labels: str) -> Json:
        return self.change("pods", pod, lambda obj: with_metadata(obj, labels={**labels_of(obj), **labels}))

    # --- workloads ----------------------------------------------------------------------------------

    def deploy(self, name: str = "llm", replicas: int = 2, **more: Any) -> Json:
        return self.create("deployments", deployment(name, replicas, **more))

    def scale(self, name: str, replicas: int) -> Json:
        return self.change("deployments", name, lambda obj: with_spec(obj, replicas=replicas))

    def pods(self, **labels: str) -> list[Json]:
        return [pod for pod in self.store.list(PODS, "default") if labels.items() <= labels_of(pod).items()]

    def names(self, **labels: str) -> set[str]:
        return {pod["metadata"]["name"] for pod in self.pods(**labels)}

    def ready(self, **labels: str) -> list[Json]:
        return [pod for pod in self.pods(**labels) if is_ready(pod)]

    def sets(self) -> list[Json]:
        return self.store.list(resource("replicasets"), "default")

    def status(self, name: str = "llm") -> Json:
        return dict(self.get("deployments", name).get("status") or {})

    async def settled(self, name: str = "llm", within: float = 120.0) -> Json:
        """The Deployment once it is complete by its own word."""

        def complete() -> Json | None:
            found = self.get("deployments", name)
            wanted, status = found["spec"]["replicas"], found.get("status") or {}
            counts = [status.get(field, 0) for field in ("replicas", "updatedReplicas", "availableReplicas")]
            seen = status.get("observedGeneration") == found["metadata"]["generation"]
            return found if seen and counts == [wanted] * 3 else None

        return await self.until(complete, within)

    def events(self, reason: str) -> list[Json]:
        return [event for event in self.store.list(resource("events")) if event["reason"] == reason]


def is_ready(pod: Json) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def condition(obj: Json, kind: str) -> Json:
    """The condition of an object; {} when it has none."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    found: Json = next((entry for entry in conditions if entry["type"] == kind), {})
    return found


def container(**more: Any) -> Json:
    """A vLLM server with one GPU and a readiness probe."""
    return {
        "name": "server",
        "image": "vllm/vllm-openai:v0.11.0",
        "command": ["vllm", "serve", "Qwen/Qwen3-8B", "--port", "8000"],
        "ports": [{"name": "http", "containerPort": 8000}],
        "readinessProbe": {"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 1},
        "resources": {"limits": {"nvidia.com/gpu": "1"}},
        **more,
    }


def deployment(
    name: str, replicas: int, *, spec: Json | None = None, pod: Json | None = None, **more: Any
) -> Json:
    """A pool; `spec` adds to the Deployment, `pod` to the pod, `more` to its container."""
    labels = {"app": name, "model": name, "business": "unassigned"}
    template = {
        "metadata": {"labels": labels, "annotations": {"controller.kubernetes.io/pod-deletion-cost": "-100"}},
        "spec": {"containers": [container(**more)], "terminationGracePeriodSeconds": 5, **(pod or {})},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template,
            **(spec or {}),
        },
    }


def service(name: str, selector: dict[str, str], **spec: Any) -> Json:
    """A Service on port 80 to the pods' port named http."""
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": selector, "ports": ports, **spec},
    }
