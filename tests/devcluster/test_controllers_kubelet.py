"""Pods live as kubelets make them live: probes, crashes, images, jobs' ends, grace, lost nodes."""

from __future__ import annotations

from devcluster.clock import Clock
from devcluster.controllers.probes import Prober
from devcluster.engines import program_of, start_process
from devcluster.logs import LogBuffer
from devcluster.objects import Json, with_metadata
from devcluster.resources import resource
from tests.devcluster.asking import Call
from tests.devcluster.living import START, Living, condition, is_ready, service

NODES = resource("nodes")
EVENTS = resource("events")
CHAT = "/v1/chat/completions"


def pod(
    name: str, *, image: str = "busybox", command: str = "", restart: str = "Never", **spec: object
) -> Json:
    container = {"name": "main", "image": image, **({"command": ["sh", "-c", command]} if command else {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"restartPolicy": restart, "containers": [container], **spec},
    }


def state(living: Living, name: str) -> Json:
    statuses = living.get("pods", name)["status"].get("containerStatuses") or [{}]
    found: Json = statuses[0]
    return found


def question(tokens: int) -> Json:
    return {"messages": [{"role": "user", "content": "hi"}], "max_tokens": tokens, "stream": True}


async def ready_pool(living: Living, **more: object) -> str:
    living.deploy(replicas=1, **more)
    await living.settled()
    return sorted(living.names())[0]


async def test_a_pod_goes_from_pending_to_ready_and_events_tell_it() -> None:
    living = Living()
    name = await ready_pool(living)
    found = living.get("pods", name)
    assert found["status"]["phase"] == "Running" and is_ready(found)
    told = [event["reason"] for event in living.store.list(EVENTS) if event["involvedObject"]["name"] == name]
    assert set(told) == {"Scheduled", "Pulling", "Pulled", "Created", "Started"}


async def test_readiness_waits_for_the_model_to_load() -> None:
    living = Living(startup=30.0)
    living.deploy(replicas=1)
    await living.until(lambda: [p for p in living.pods() if p["status"]["phase"] == "Running"])
    running_at = living.clock.now()
    await living.settled()
    assert living.clock.now() - running_at >= 29


async def test_a_prober_asks_at_once_although_time_goes_on_meanwhile() -> None:
    """A clock that moves between two looks at it, as every real one does."""
    clock = Creeping(start=START)
    server = start_process(
        program_of({"command": ["vllm", "serve", "m"]}), "p", clock, LogBuffer(clock.now), 0
    )
    prober = Prober({"httpGet": {"path": "/health"}, "periodSeconds": 60}, server, clock, False, heard)
    server.listening = True
    prober.poke()
    await clock.advance(1)
    assert prober.ok


class Creeping(Clock):
    """Virtual time that also goes on a little whenever somebody looks."""

    def now(self) -> float:
        self._now += 0.001
        return self._now


def heard(_good: bool, _why: str) -> None:
    """Nobody is told."""


async def test_without_a_readiness_probe_a_running_pod_is_ready_at_once_and_refuses_connections() -> None:
    living = Living(startup=30.0)
    living.deploy(replicas=1, readinessProbe=None)
    name = (await living.until(living.ready))[0]["metadata"]["name"]
    assert living.world.pod_app("default", name, 8000) is None


async def test_a_crash_restarts_at_once_and_then_backs_off() -> None:
    living = Living()
    name = await ready_pool(living)
    living.world.mishaps.add({"kind": "crash", "name": name, "code": 9})
    await living.until(
        lambda: state(living, name)["restartCount"] == 1 and is_ready(living.get("pods", name))
    )
    assert state(living, name)["lastState"]["terminated"]["exitCode"] == 9
    living.world.mishaps.add({"kind": "crash", "name": name})
    assert state(living, name)["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert (
        "back-off 10s restarting failed container=server"
        in state(living, name)["state"]["waiting"]["message"]
    )
    await living.until(lambda: state(living, name)["restartCount"] == 2, within=11)


async def test_the_log_of_the_run_before_a_crash_is_kept() -> None:
    living = Living()
    name = await ready_pool(living)
    living.world.mishaps.add({"kind": "crash", "name": name})
    await living.until(lambda: state(living, name)["restartCount"] == 1)
    before = living.world.pod_log("default", name, "server", previous=True)
    assert (
        before is not None
        and before.closed
        and b"Started server process" in b"".join(t for _, t in before.lines)
    )


async def test_a_missing_image_backs_off() -> None:
    living = Living()
    living.create("pods", pod("typo", image="registry.example/does-not-exist:1"))
    await living.until(
        lambda: state(living, "typo").get("state", {}).get("waiting", {}).get("reason") == "ErrImagePull"
    )
    waiting = await living.until(lambda: living.events("BackOff"))
    assert waiting[0]["message"] == 'Back-off pulling image "registry.example/does-not-exist:1"'
    assert living.get("pods", "typo")["status"]["phase"] == "Pending"


async def test_scripts_end_in_succeeded_or_failed() -> None:
    living = Living()
    living.create("pods", pod("good", command="echo hi; sleep 2"))
    living.create("pods", pod("bad", command="exit 3"))
    await living.until(lambda: living.get("pods", "good")["status"]["phase"] == "Succeeded")
    assert living.get("pods", "bad")["status"]["phase"] == "Failed"
    assert state(living, "bad")["state"]["terminated"]["exitCode"] == 3


async def test_init_containers_run_first() -> None:
    living = Living()
    init = [{"name": "first", "image": "busybox", "command": ["sh", "-c", "sleep 5"]}]
    living.create("pods", pod("two", command="sleep 100", initContainers=init))
    await living.until(lambda: condition(living.get("pods", "two"), "Initialized").get("status") == "False")
    await living.until(lambda: living.get("pods", "two")["status"]["phase"] == "Running")
    assert (
        living.get("pods", "two")["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"]
        == 0
    )


async def test_a_failing_liveness_probe_restarts_the_container() -> None:
    living = Living()
    probe = {"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 1, "failureThreshold": 2}
    name = await ready_pool(living, livenessProbe=probe)
    server = living.world.pod_app("default", name, 8000)
    assert server is not None
    server.healthy = False
    server.on_change()
    await living.until(lambda: state(living, name)["restartCount"] == 1)
    assert any("Liveness probe failed" in event["message"] for event in living.events("Unhealthy"))


async def test_a_startup_probe_holds_the_others_back() -> None:
    living = Living(startup=10.0)
    probe = {"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 1, "failureThreshold": 60}
    name = await ready_pool(living, startupProbe=probe, livenessProbe={**probe, "failureThreshold": 1})
    assert state(living, name)["restartCount"] == 0 and state(living, name)["started"]


async def test_a_running_stream_ends_within_the_grace_period_before_the_pod_goes() -> None:
    living = Living()
    name = await ready_pool(living, pod={"terminationGracePeriodSeconds": 30})
    call = Call(living.world.pod_app("default", name, 8000), "POST", CHAT, question(250))
    await living.step(1)
    living.delete("deployments", "llm", propagation="Background")
    await living.until(lambda: not living.pods())
    assert call.finished and call.events[-1] == "[DONE]"


async def test_a_stream_longer_than_the_grace_period_is_cut() -> None:
    living = Living()
    name = await ready_pool(living, pod={"terminationGracePeriodSeconds": 3})
    call = Call(living.world.pod_app("default", name, 8000), "POST", CHAT, question(500))
    await living.step(1)
    living.delete("pods", name)
    await living.until(lambda: name not in living.names(), within=8)
    assert not call.finished and call.task.exception() is not None


async def test_a_pre_stop_sleep_keeps_a_pod_answering_until_endpoints_forgot_it() -> None:
    living = Living(lag=1.0)
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "sleep 8"]}}}
    name = await ready_pool(living, lifecycle=hook, pod={"terminationGracePeriodSeconds": 30})
    living.create("services", service("llm", {"app": "llm"}))
    await living.until(lambda: living.world.service_target("default", "llm", 80))
    living.delete("pods", name)
    for _ in range(16):
        await living.step(0.25)
        target = living.world.service_target("default", "llm", 80)
        assert target is None or living.world.pod_app(*target) is not None


async def test_an_evicted_pod_keeps_its_labels_and_is_replaced() -> None:
    living = Living()
    name = await ready_pool(living)
    living.label(name, business="production")
    living.world.mishaps.add({"kind": "evict", "name": name})
    await living.until(lambda: len(living.ready()) == 1)
    corpse = living.get("pods", name)
    assert (corpse["status"]["phase"], corpse["status"]["reason"]) == ("Failed", "Evicted")
    assert (
        corpse["metadata"]["labels"]["business"] == "production" and "ownerReferences" in corpse["metadata"]
    )
    living.scale("llm", 0)
    await living.until(lambda: living.names() == {name})


async def test_a_lost_node_is_noticed_and_its_pods_move_after_their_toleration() -> None:
    living = Living(nodes=2)
    name = await ready_pool(living)
    node = living.get("pods", name)["spec"]["nodeName"]
    living.world.mishaps.add({"kind": "lose_node", "name": node})
    await living.until(lambda: condition(living.get("nodes", node, ""), "Ready")["status"] == "Unknown")
    await living.until(lambda: not is_ready(living.get("pods", name)))
    assert {entry["key"] for entry in living.get("nodes", node, "")["spec"]["taints"]} == {
        "node.kubernetes.io/unreachable"
    }
    await living.until(lambda: living.ready(), within=400)
    assert "deletionTimestamp" in living.get("pods", name)["metadata"]


async def test_a_node_that_returns_ends_what_was_deleted_and_goes_on_with_the_rest() -> None:
    living = Living(nodes=1, node_grace=10.0)
    name = await ready_pool(living)
    node = living.get("pods", name)["spec"]["nodeName"]
    lost = living.world.mishaps.add({"kind": "lose_node", "name": node})
    await living.until(lambda: not living.ready())
    assert living.world.pod_app("default", name, 8000) is None
    living.world.mishaps.remove(lost["id"])
    await living.until(lambda: living.ready())
    assert state(living, name)["restartCount"] == 1
    assert (
        "taints" not in living.get("nodes", node, "")["spec"]
        or not living.get("nodes", node, "")["spec"]["taints"]
    )


async def test_a_pod_is_not_ready_while_its_returned_node_pulls_its_image() -> None:
    living = Living(nodes=1, node_grace=10.0)
    name = await ready_pool(living, image="vllm/vllm-openai")  # without a tag it is pulled each time
    node = living.get("pods", name)["spec"]["nodeName"]
    lost = living.world.mishaps.add({"kind": "lose_node", "name": node})
    await living.until(lambda: not living.ready())
    living.world.mishaps.remove(lost["id"])
    while not living.ready():
        await living.step(0.05)
    assert living.world.pod_app("default", name, 8000) is not None


async def test_pods_of_a_deleted_node_are_collected() -> None:
    living = Living(nodes=2)
    name = await ready_pool(living)
    node = living.get("pods", name)["spec"]["nodeName"]
    living.world.registry.delete(NODES, "", node)
    await living.until(lambda: name not in living.names() and living.ready())


async def test_a_pod_removed_by_force_leaves_nothing_running() -> None:
    living = Living()
    name = await ready_pool(living)
    call = Call(living.world.pod_app("default", name, 8000), "POST", CHAT, question(500))
    await living.step(1)
    living.delete("pods", name, grace=0)
    await living.step(2)
    assert not call.finished and call.task.done()


async def test_a_readiness_gate_keeps_a_pod_unready_until_someone_opens_it() -> None:
    living = Living()
    living.deploy(replicas=1, pod={"readinessGates": [{"conditionType": "example.com/open"}]})
    name = await living.until(lambda: next(iter(living.names()), ""))
    await living.until(lambda: condition(living.get("pods", name), "ContainersReady").get("status") == "True")
    assert condition(living.get("pods", name), "Ready")["reason"] == "ReadinessGatesNotReady"

    def open_gate(obj: Json) -> Json:
        entry = {"type": "example.com/open", "status": "True"}
        status = obj["status"]
        return {**with_metadata(obj), "status": {**status, "conditions": [*status["conditions"], entry]}}

    living.change("pods", name, open_gate, subresource="status")
    await living.until(lambda: is_ready(living.get("pods", name)))
