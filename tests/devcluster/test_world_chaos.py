"""Whatever happens at random, the cluster comes to rest as its objects say, and nothing is left behind."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

import pytest

from devcluster.controllers.pods import is_active
from devcluster.errors import ApiError
from devcluster.objects import is_terminating, labels_of, owner_reference, with_spec
from devcluster.resources import resource
from tests.devcluster.living import Living, service

NAMES = ("one", "two", "three")


class Chaos:
    """Random deeds on three Deployments of CPU pods on three nodes."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.living = Living(seed=seed, lag=2.0, nodes=3, node_grace=20.0)
        for name in NAMES:
            self.living.deploy(
                name, replicas=3, resources={}, lifecycle={"preStop": {"sleep": {"seconds": 1}}}
            )
            self.living.create("services", service(name, {"app": name}))

    def deeds(self) -> list[Callable[[], object]]:
        return [
            self.scale,
            self.roll,
            self.kill,
            self.evict,
            self.crash,
            self.detach,
            self.flip,
            self.lose,
            self.lend,
        ]

    def scale(self) -> None:
        self.living.scale(self.rng.choice(NAMES), self.rng.randint(0, 5))

    def roll(self) -> None:
        image = f"vllm/vllm-openai:v{self.rng.randint(1, 3)}"

        def change(obj: dict) -> dict:  # type: ignore[type-arg]  # a manifest
            template = obj["spec"]["template"]
            containers = [{**template["spec"]["containers"][0], "image": image}]
            return with_spec(
                obj, template={**template, "spec": {**template["spec"], "containers": containers}}
            )

        self.living.change("deployments", self.rng.choice(NAMES), change)

    def _pod(self) -> str:
        return self.rng.choice(sorted(self.living.names()))

    def kill(self) -> None:
        self.living.delete("pods", self._pod(), grace=self.rng.choice([None, 0, 1]))

    def evict(self) -> None:
        self.living.world.mishaps.add({"kind": "evict", "name": self._pod()})

    def crash(self) -> None:
        self.living.world.mishaps.add({"kind": "crash", "name": self._pod()})

    def detach(self) -> None:
        self.living.label(self._pod(), app="detached")

    def lend(self) -> None:
        self.living.label(self._pod(), business="production")

    def flip(self) -> None:
        self.living.world.mishaps.add(
            {"kind": "unready", "name": self._pod(), "ttl": self.rng.uniform(1, 20)}
        )

    def lose(self) -> None:
        self.living.world.mishaps.add({"kind": "lose_node", "ttl": self.rng.uniform(5, 60)})

    async def live(self, deeds: int) -> None:
        for _ in range(deeds):
            try:
                self.rng.choice(self.deeds())()
            except (ApiError, IndexError):
                pass  # the pod is gone, or not running: nothing to do to it
            await self.living.step(self.rng.choice([0.0, 0.05, 0.5, 3.0]))


@pytest.mark.parametrize("seed", range(8))
async def test_after_chaos_all_counts_are_right(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    chaos = Chaos(seed)
    living = chaos.living
    await living.step(10)
    await chaos.live(60)
    living.world.mishaps.clear()
    for name in NAMES:
        await living.settled(name, within=900)
    await living.until(lambda: not any(is_terminating(pod) for pod in living.pods()), within=400)
    await living.step(10)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    check_owners(living)
    check_endpoints(living)
    await check_runners(living)


def check_owners(living: Living) -> None:
    """Live pods of a Deployment belong to a living ReplicaSet, detached ones to nobody (corpses stay)."""
    sets = {owner_reference(entry)["uid"] for entry in living.sets()}
    for pod in filter(is_active, living.pods()):
        owners = {ref["uid"] for ref in pod["metadata"].get("ownerReferences") or ()}
        assert owners <= sets and bool(owners) == (labels_of(pod)["app"] != "detached")


def check_endpoints(living: Living) -> None:
    """Endpoints are exactly the Ready pods."""
    for name in NAMES:
        slices = living.store.list(resource("endpointslices"), "default")
        mine = [entry for entry in slices if labels_of(entry)["kubernetes.io/service-name"] == name]
        rows = [row for entry in mine for row in entry["endpoints"] if row["conditions"]["ready"]]
        listed = [row["targetRef"]["name"] for row in rows]
        ready = [
            pod["metadata"]["name"] for pod in living.ready(app=name) if pod["status"]["phase"] == "Running"
        ]
        assert sorted(listed) == sorted(ready)


async def check_runners(living: Living) -> None:
    """What runs is what the API shows."""
    shown = {("default", pod["metadata"]["name"]) for pod in living.pods()}
    kubelet = living.world.manager.kubelet
    assert set(kubelet.runners) <= shown
    assert all(living.world.pod_app("default", pod["metadata"]["name"], 8000) for pod in living.ready())
