"""The scheduler places pods where they fit and says in upstream's words why they do not."""

from __future__ import annotations

from collections import Counter

from devcluster.controllers.filters import tolerated
from devcluster.objects import Json, labels_of, with_metadata, with_spec
from devcluster.resources import resource
from tests.devcluster.living import Living, condition

NODES = resource("nodes")


def nodes(living: Living) -> list[Json]:
    return [living.get("nodes", node["metadata"]["name"], "") for node in living.store.list(NODES)]


def gpu_nodes(living: Living) -> list[str]:
    return [
        node["metadata"]["name"] for node in nodes(living) if "nvidia.com/gpu" in node["status"]["capacity"]
    ]


def change_node(living: Living, name: str, **spec: object) -> None:
    node = living.get("nodes", name, "")
    living.store.update(NODES, with_spec(node, **spec))


async def test_pods_of_one_deployment_are_spread_over_nodes() -> None:
    living = Living(nodes=3)
    living.deploy(replicas=6)
    await living.settled()
    assert set(Counter(pod["spec"]["nodeName"] for pod in living.pods()).values()) == {2}


async def test_gpus_are_counted_and_a_full_cluster_says_so() -> None:
    living = Living(nodes=2, gpus_per_node=2)
    living.deploy(replicas=5)
    waiting = await living.until(
        lambda: [pod for pod in living.pods() if condition(pod, "PodScheduled").get("status") == "False"]
    )
    assert len(living.pods()) == 5 and len(waiting) == 1
    assert condition(waiting[0], "PodScheduled")["message"] == (
        "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: "
        "3 No preemption victims found for incoming pod."
    )
    assert living.events("FailedScheduling")[0]["involvedObject"]["name"] == waiting[0]["metadata"]["name"]


async def test_a_waiting_pod_gets_the_gpu_that_becomes_free() -> None:
    living = Living(nodes=1, gpus_per_node=2)
    living.deploy("one", replicas=2)
    await living.settled("one")
    living.deploy("two", replicas=1)
    await living.until(lambda: living.events("FailedScheduling"))
    living.scale("one", 1)
    await living.settled("two", within=60)


async def test_node_selectors_and_affinity_are_obeyed() -> None:
    living = Living(nodes=3)
    name = gpu_nodes(living)[1]
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [name]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    living.deploy("bound", pod={"affinity": {"nodeAffinity": required}})
    living.deploy("lost", pod={"nodeSelector": {"node.kubernetes.io/instance-type": "ml.p5.48xlarge"}})
    await living.settled("bound")
    assert {pod["spec"]["nodeName"] for pod in living.pods(app="bound")} == {name}
    message = condition(living.pods(app="lost")[0], "PodScheduled")["message"]
    assert message.startswith("0/4 nodes are available: 4 node(s) didn't match Pod's node affinity/selector.")


async def test_preferred_affinity_decides_between_nodes_that_fit() -> None:
    living = Living(nodes=3)
    name = gpu_nodes(living)[2]
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [name]}]}
    preferred = [{"weight": 100, "preference": term}]
    wish = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    living.deploy(replicas=3, pod={"affinity": wish})
    await living.settled()
    assert {pod["spec"]["nodeName"] for pod in living.pods()} == {name}


async def test_a_cordoned_node_gets_a_taint_and_no_pods() -> None:
    living = Living(nodes=2)
    cordoned, other = gpu_nodes(living)
    change_node(living, cordoned, unschedulable=True)
    await living.step(5)
    living.deploy(replicas=2)
    await living.settled()
    assert {pod["spec"]["nodeName"] for pod in living.pods()} == {other}
    taints = living.get("nodes", cordoned, "")["spec"]["taints"]
    assert [entry["key"] for entry in taints] == ["node.kubernetes.io/unschedulable"]


async def test_tainted_gpu_nodes_need_a_toleration() -> None:
    living = Living(nodes=2, gpu_taint=True)
    living.deploy("shy")
    living.deploy("bold", pod={"tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}]})
    await living.settled("bold")
    message = condition(living.pods(app="shy")[0], "PodScheduled")["message"]
    assert "2 node(s) had untolerated taint {nvidia.com/gpu: present}" in message


async def test_cpu_and_memory_count_too() -> None:
    living = Living(nodes=1)
    living.deploy("big", replicas=1, resources={"requests": {"cpu": "190", "memory": "10Gi"}})
    await living.settled("big")
    living.deploy("more", replicas=1, resources={"requests": {"cpu": "16", "memory": "1Gi"}})
    await living.until(lambda: living.events("FailedScheduling"))
    assert "Insufficient cpu" in condition(living.pods(app="more")[0], "PodScheduled")["message"]


async def test_pods_of_a_failed_phase_take_no_room() -> None:
    living = Living(nodes=1, gpus_per_node=1)
    living.deploy(replicas=1)
    await living.settled()
    living.world.mishaps.add({"kind": "evict", "labels": {"app": "llm"}})
    await living.until(lambda: len(living.ready()) == 1)
    assert len(living.pods()) == 2


def test_tolerations_match_as_upstream() -> None:
    taint = {"key": "k", "value": "v", "effect": "NoSchedule"}
    assert tolerated({"operator": "Exists"}, taint)
    assert tolerated({"key": "k", "value": "v"}, taint)
    assert not tolerated({"key": "k", "value": "w"}, taint)
    assert not tolerated({"key": "k", "operator": "Exists", "effect": "NoExecute"}, taint)


async def test_a_new_node_wakes_waiting_pods() -> None:
    living = Living(nodes=1, gpus_per_node=1)
    living.deploy(replicas=2)
    await living.until(lambda: living.events("FailedScheduling"))
    old = living.get("nodes", gpu_nodes(living)[0], "")
    labels = {**labels_of(old), "kubernetes.io/hostname": "new"}
    body = with_metadata(old, name="new", labels=labels, uid=None, resourceVersion=None)
    living.store.create(NODES, body)
    await living.settled(within=60)
