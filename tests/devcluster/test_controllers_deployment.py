"""Deployments and ReplicaSets of the development cluster act as upstream's do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from devcluster.objects import Json, annotations_of, labels_of, spec_of, with_metadata, with_spec
from devcluster.resources import resource
from tests.devcluster.living import Living, condition


def with_image(image: str) -> Callable[[Json], Json]:
    """A change of a Deployment's image."""

    def change(obj: Json) -> Json:
        container = {**obj["spec"]["template"]["spec"]["containers"][0], "image": image}
        template = obj["spec"]["template"]
        return with_spec(obj, template={**template, "spec": {**template["spec"], "containers": [container]}})

    return change


def sizes(living: Living) -> list[int]:
    return sorted(spec_of(entry)["replicas"] for entry in living.sets())


async def test_a_deployment_becomes_ready_pods_that_carry_the_templates_labels() -> None:
    living = Living(lag=2.0)
    living.deploy(replicas=3)
    await living.settled()
    assert len(living.ready(business="unassigned", app="llm")) == 3
    assert {labels_of(pod)["pod-template-hash"] for pod in living.pods()} == {
        labels_of(living.sets()[0])["pod-template-hash"]
    }


async def test_the_status_says_available_and_successfully_progressed() -> None:
    living = Living()
    living.deploy()
    found = await living.settled()
    assert condition(found, "Available")["reason"] == "MinimumReplicasAvailable"
    assert condition(found, "Progressing")["message"].endswith("has successfully progressed.")
    assert annotations_of(found)["deployment.kubernetes.io/revision"] == "1"


async def test_a_rolling_update_keeps_within_surge_and_unavailable() -> None:
    living = Living()
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    living.deploy(replicas=4, spec={"strategy": rolling})
    await living.settled()
    living.change("deployments", "llm", with_image("vllm/vllm-openai:v0.12.0"))
    seen = []
    for _ in range(400):
        await living.step(0.1)
        alive = [pod for pod in living.pods() if "deletionTimestamp" not in pod["metadata"]]
        seen.append((len(living.ready()), len(alive)))
    await living.settled()
    assert min(ready for ready, _ in seen) >= 4
    assert max(alive for _, alive in seen) == 5
    assert sizes(living) == [0, 4]


async def test_a_rollout_loses_every_label_that_was_put_on_pods_by_hand() -> None:
    living = Living()
    living.deploy()
    await living.settled()
    for pod in living.names():
        living.label(pod, business="production")
    living.change("deployments", "llm", with_image("vllm/vllm-openai:v0.12.0"))
    await living.settled()
    await living.until(lambda: len(living.pods()) == 2)
    assert {labels_of(pod)["business"] for pod in living.pods()} == {"unassigned"}


async def test_a_rollback_takes_the_old_replica_set_and_a_new_revision() -> None:
    living = Living()
    living.deploy()
    await living.settled()
    first = living.sets()[0]["metadata"]["name"]
    living.change("deployments", "llm", with_image("vllm/vllm-openai:v0.12.0"))
    await living.settled()
    living.change("deployments", "llm", with_image("vllm/vllm-openai:v0.11.0"))
    await living.settled()
    old = living.get("replicasets", first)
    assert spec_of(old)["replicas"] == 2
    assert annotations_of(old)["deployment.kubernetes.io/revision"] == "3"
    assert annotations_of(old)["deployment.kubernetes.io/revision-history"] == "1"


async def test_recreate_starts_the_new_version_only_when_the_old_pods_are_gone() -> None:
    living = Living()
    living.deploy(spec={"strategy": {"type": "Recreate"}})
    await living.settled()
    living.change("deployments", "llm", with_image("vllm/vllm-openai:v0.12.0"))
    images = set()
    for _ in range(200):
        await living.step(0.1)
        images.add(frozenset(pod["spec"]["containers"][0]["image"] for pod in living.pods()))
    await living.settled()
    assert all(len(together) <= 1 for together in images)


async def test_scaling_in_the_middle_of_a_rollout_is_shared_in_proportion() -> None:
    living = Living()
    living.deploy(replicas=10, pod={"nodeSelector": None}, resources={})
    await living.settled()
    living.change("deployments", "llm", with_image("registry.example/does-not-exist:1"))
    await living.until(lambda: sizes(living) == [5, 8])
    living.scale("llm", 20)
    await living.until(lambda: sum(sizes(living)) == 25)
    assert sizes(living) == [10, 15]


async def test_a_rollout_that_cannot_finish_exceeds_its_deadline() -> None:
    living = Living()
    living.deploy(spec={"progressDeadlineSeconds": 20})
    await living.settled()
    living.change("deployments", "llm", with_image("registry.example/does-not-exist:1"))
    await living.until(
        lambda: (
            condition(living.get("deployments", "llm"), "Progressing")["reason"] == "ProgressDeadlineExceeded"
        )
    )
    assert condition(living.get("deployments", "llm"), "Available")["status"] == "True"
    reasons = {
        pod["status"]["containerStatuses"][0]["state"].get("waiting", {}).get("reason")
        for pod in living.pods()
    }
    assert reasons & {"ErrImagePull", "ImagePullBackOff"}


async def test_a_paused_deployment_scales_but_does_not_roll() -> None:
    living = Living()
    living.deploy()
    await living.settled()
    living.change(
        "deployments", "llm", lambda obj: with_spec(with_image("other:1")(obj), paused=True, replicas=3)
    )
    await living.until(lambda: len(living.ready()) == 3)
    await living.step(10)
    assert len(living.sets()) == 1
    assert condition(living.get("deployments", "llm"), "Progressing")["reason"] == "DeploymentPaused"


async def test_old_replica_sets_beyond_the_history_limit_are_deleted() -> None:
    living = Living()
    living.deploy(spec={"revisionHistoryLimit": 2})
    for number in range(4):
        await living.settled()
        living.change("deployments", "llm", with_image(f"vllm/vllm-openai:v0.{number}"))
    await living.settled()
    await living.until(lambda: len(living.sets()) == 3)


async def test_min_ready_seconds_hold_availability_back() -> None:
    living = Living()
    living.deploy(spec={"minReadySeconds": 20})
    await living.until(lambda: living.status().get("readyReplicas") == 2)
    ready_at = living.clock.now()
    await living.settled()
    assert living.clock.now() - ready_at > 10


async def test_a_quota_stops_creation_and_the_deployment_says_so() -> None:
    living = Living()
    living.create("resourcequotas", {"metadata": {"name": "fence"}, "spec": {"hard": {"pods": "1"}}})
    await living.until(lambda: living.get("resourcequotas", "fence").get("status", {}).get("hard"))
    living.deploy(replicas=3)
    failing = await living.until(lambda: condition(living.get("deployments", "llm"), "ReplicaFailure"))
    assert failing["reason"] == "FailedCreate"
    assert "exceeded quota: fence, requested: pods=1, used: pods=1, limited: pods=1" in failing["message"]
    assert living.events("FailedCreate")


async def test_healing_starts_again_after_the_quota_is_gone() -> None:
    living = Living()
    living.create("resourcequotas", {"metadata": {"name": "fence"}, "spec": {"hard": {"pods": "1"}}})
    await living.until(lambda: living.get("resourcequotas", "fence").get("status", {}).get("hard"))
    living.deploy(replicas=3)
    await living.until(lambda: condition(living.get("deployments", "llm"), "ReplicaFailure"))
    living.delete("resourcequotas", "fence")
    await living.settled(within=300)
    assert not condition(living.get("deployments", "llm"), "ReplicaFailure")


async def test_a_pod_whose_selector_label_changes_is_released_and_replaced() -> None:
    living = Living()
    living.deploy()
    await living.settled()
    name = sorted(living.names())[0]
    living.label(name, app="detached")
    await living.until(lambda: "ownerReferences" not in living.get("pods", name)["metadata"])
    await living.until(lambda: len(living.ready(app="llm")) == 2)
    assert name in living.names()


async def test_a_relabelled_business_pod_stays_owned_and_is_not_replaced() -> None:
    living = Living()
    living.deploy()
    await living.settled()
    before = living.names()
    living.label(sorted(before)[0], business="production")
    await living.step(30)
    assert living.names() == before
    assert living.sets()[0]["status"]["fullyLabeledReplicas"] == 1


async def test_a_matching_pod_without_owner_is_adopted_and_a_surplus_one_deleted() -> None:
    living = Living()
    living.deploy()
    await living.settled()
    name = sorted(living.names())[0]
    mark = labels_of(living.get("pods", name))["pod-template-hash"]
    living.label(name, app="detached")
    await living.until(lambda: len(living.ready(app="llm")) == 2)
    living.label(name, app="llm", **{"pod-template-hash": mark})
    await living.until(lambda: len(living.pods(app="llm")) == 2 and len(living.ready(app="llm")) == 2)
    assert all("ownerReferences" in pod["metadata"] for pod in living.pods(app="llm"))


async def test_deleting_a_deployment_takes_its_replica_sets_and_pods_along() -> None:
    living = Living()
    living.deploy()
    await living.settled()
    living.delete("deployments", "llm", propagation="Background")
    await living.until(lambda: not living.sets() and not living.pods())


async def test_foreground_deletion_keeps_the_deployment_until_its_pods_are_gone() -> None:
    living = Living()
    living.deploy()
    await living.settled()
    living.delete("deployments", "llm", propagation="Foreground")
    await living.until(lambda: not living.pods())
    assert await living.until(lambda: living.find("deployments", "llm") is None)


async def test_orphaned_replica_sets_live_on_and_are_adopted_by_the_next_deployment() -> None:
    living = Living()
    living.deploy()
    await living.settled()
    before = living.names()
    living.delete("deployments", "llm", propagation="Orphan")
    await living.until(lambda: living.find("deployments", "llm") is None)
    assert "ownerReferences" not in living.sets()[0]["metadata"]
    living.deploy()
    await living.settled()
    assert living.names() == before


async def test_two_worlds_of_one_seed_live_the_same_life() -> None:
    lives = []
    for _ in range(2):
        living = Living(lag=2.0, seed=7)
        living.deploy(replicas=4)
        await living.step(30)
        lives.append(
            [(pod["metadata"]["name"], pod["spec"]["nodeName"], pod["status"]) for pod in living.pods()]
        )
    assert lives[0] == lives[1]


@pytest.mark.parametrize("seed", range(6))
async def test_counts_are_right_in_the_end_whatever_the_lag_does(seed: int) -> None:
    living = Living(lag=2.0, seed=seed)
    living.deploy(replicas=3)
    for before, after in pairwise([3, 6, 1, 4]):
        await living.step(seed + before / 2)
        living.scale("llm", after)
    await living.settled()
    assert await living.until(lambda: len(living.pods()) == 4)
    assert with_metadata(living.sets()[0]) and sizes(living) == [4]


# --- against the recorded rollout -------------------------------------------------------------------

RECORDED = Path(__file__).parents[1] / "wire" / "15-rollout-status.json"


def recorded(note: str) -> list[Json]:
    """The objects of a recorded watch."""
    exchanges = json.loads(RECORDED.read_text())["exchanges"]
    lines = next(entry["response"]["body"] for entry in exchanges if entry["note"].startswith(note))
    return [line["line"]["object"] for line in lines]


def steps(objects: list[Json]) -> list[tuple[str, str]]:
    """(reason, message with names blotted out) of Progressing, each change once."""
    found = []
    for obj in objects:
        entry = condition(obj, "Progressing")
        step = (entry["reason"], re.sub(r'"[^"]+"', '"X"', entry["message"]))
        if not found or found[-1] != step:
            found.append(step)
    return found


def paths(objects: list[Json]) -> dict[str, list[int]]:
    """ "old" and "new" -> the sizes a ReplicaSet was given, in order."""
    grown: dict[str, list[int]] = {}
    for obj in objects:
        revision = annotations_of(obj)["deployment.kubernetes.io/revision"]
        sizes_of = grown.setdefault(revision, [])
        if not sizes_of or sizes_of[-1] != spec_of(obj)["replicas"]:
            sizes_of.append(spec_of(obj)["replicas"])
    return grown


async def test_a_rollout_goes_through_the_recorded_steps() -> None:
    living = Living(lag=0.2)
    living.deploy(replicas=3)
    await living.settled()
    await living.step(5)
    watches = [living.store.watch(resource(kind)) for kind in ("deployments", "replicasets")]
    living.change("deployments", "llm", with_image("vllm/vllm-openai:v0.12.0"))
    await living.settled()
    await living.until(lambda: sizes(living) == [0, 3])
    deployments, sets = ([event.obj for event in watch.drain()] for watch in watches)
    assert steps(deployments) == steps(recorded("WATCH of the Deployment"))
    assert paths(sets)["2"] == paths(recorded("WATCH of its ReplicaSets"))["2"] == [1, 2, 3]
    assert paths(sets)["1"][-3:] == paths(recorded("WATCH of its ReplicaSets"))["1"][-3:] == [2, 1, 0]
