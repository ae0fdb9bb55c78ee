"""Endpoints follow pods, late, and traffic follows endpoints."""

from __future__ import annotations

from collections import Counter

from devcluster.objects import Json, labels_of
from devcluster.resources import resource
from tests.devcluster.living import Living, service

SLICES = resource("endpointslices")


def listed(living: Living, name: str) -> dict[str, Json]:
    """Pod name -> conditions, of all slices of a Service."""
    slices = [
        entry
        for entry in living.store.list(SLICES, "default")
        if labels_of(entry).get("kubernetes.io/service-name") == name
    ]
    return {row["targetRef"]["name"]: row["conditions"] for entry in slices for row in entry["endpoints"]}


def business(living: Living, tag: str) -> None:
    living.create("services", service(tag, {"model": "llm", "business": tag}))


async def pool(living: Living, replicas: int = 2) -> list[str]:
    living.deploy(replicas=replicas)
    await living.settled()
    return sorted(living.names())


async def test_traffic_follows_the_label() -> None:
    living = Living()
    first, second = await pool(living)
    business(living, "production")
    business(living, "testing")
    living.label(first, business="production")
    living.label(second, business="testing")
    await living.until(lambda: living.world.service_target("default", "testing", 80))
    await living.until(lambda: living.world.service_target("default", "production", "http"))
    assert living.world.service_target("default", "production", 80) == ("default", first, 8000)
    living.label(second, business="production")
    await living.until(lambda: living.world.service_target("default", "testing", 80) is None)
    await living.until(lambda: set(listed(living, "production")) == {first, second})


async def test_routing_lags_behind_the_slices() -> None:
    living = Living(lag=4.0)
    first, _ = await pool(living)
    business(living, "production")
    living.label(first, business="production")
    await living.until(lambda: listed(living, "production"), every=0.01)
    told = living.clock.now()
    await living.until(lambda: living.world.service_target("default", "production", 80), every=0.01)
    assert living.clock.now() > told


async def test_requests_are_shared_by_chance() -> None:
    living = Living()
    await pool(living, replicas=3)
    living.create("services", service("all", {"app": "llm"}))
    await living.until(lambda: len(listed(living, "all")) == 3)
    await living.step(1)
    counts = Counter(living.world.service_target("default", "all", 80) for _ in range(300))
    assert len(counts) == 3 and min(counts.values()) > 60


async def test_a_terminating_pod_is_listed_as_serving_but_not_ready() -> None:
    living = Living()
    name = (await pool(living))[0]
    living.create("services", service("all", {"app": "llm"}))
    await living.until(lambda: len(listed(living, "all")) == 2)
    hold = living.world.manager.kubelet.runner(("default", name))
    assert hold is not None
    hold.containers[0].spec["lifecycle"] = {"preStop": {"sleep": {"seconds": 4}}}
    living.delete("pods", name)
    await living.until(lambda: listed(living, "all").get(name, {}).get("terminating"), every=0.05)
    assert listed(living, "all")[name] == {"ready": False, "serving": True, "terminating": True}


async def test_an_unready_pod_is_listed_but_gets_no_traffic() -> None:
    living = Living()
    first, second = await pool(living)
    living.create("services", service("all", {"app": "llm"}))
    await living.until(lambda: len(listed(living, "all")) == 2)
    sick = living.world.mishaps.add({"kind": "unready", "name": first})
    await living.until(lambda: listed(living, "all")[first]["ready"] is False)
    await living.step(1)
    assert {living.world.service_target("default", "all", 80) for _ in range(20)} == {
        ("default", second, 8000)
    }
    endpoints = living.get("endpoints", "all")["subsets"][0]
    assert [row["targetRef"]["name"] for row in endpoints["notReadyAddresses"]] == [first]
    living.world.mishaps.remove(sick["id"])
    await living.until(lambda: listed(living, "all")[first]["ready"])


async def test_a_deleted_service_takes_its_slices_and_endpoints_along() -> None:
    living = Living()
    await pool(living)
    living.create("services", service("all", {"app": "llm"}))
    await living.until(lambda: len(listed(living, "all")) == 2)
    living.delete("services", "all")
    await living.until(lambda: not listed(living, "all") and living.find("endpoints", "all") is None)
    assert living.world.service_target("default", "all", 80) is None


async def test_more_than_a_hundred_endpoints_take_two_slices() -> None:
    living = Living(nodes=3, pods=150)
    for pod in living.pods():
        living.label(pod["metadata"]["name"], everyone="yes")
    living.create("services", service("everyone", {"everyone": "yes"}, ports=[{"port": 80}]))
    await living.until(lambda: len(listed(living, "everyone")) == 150)
    count = [e for e in living.store.list(SLICES) if labels_of(e)["kubernetes.io/service-name"] == "everyone"]
    assert sorted(len(entry["endpoints"]) for entry in count) == [50, 100]


async def test_a_load_balancer_gets_its_address_after_a_while() -> None:
    living = Living(load_balancer=5.0)
    living.create("services", service("outside", {"app": "llm"}, type="LoadBalancer"))
    await living.step(4)
    assert not living.get("services", "outside")["status"]["loadBalancer"]
    ingress = await living.until(
        lambda: living.get("services", "outside")["status"]["loadBalancer"].get("ingress")
    )
    assert ingress[0]["hostname"].endswith(".elb.us-west-2.amazonaws.com")
