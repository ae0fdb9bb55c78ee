"""ResourceQuotas at the door: what is over them is refused; a fence stops one priority class only."""

from __future__ import annotations

import pytest

from devcluster.errors import AlreadyExists, Forbidden
from devcluster.registry import Registry
from devcluster.resources import resource
from devcluster.store import Store
from tests.devcluster.client import Json, pod

PODS, QUOTAS = resource("pods"), resource("resourcequotas")


@pytest.fixture
def registry() -> Registry:
    registry = Registry(Store())
    registry.create(resource("namespaces"), {"metadata": {"name": "n"}})
    registry.create(resource("priorityclasses"), {"metadata": {"name": "fenced"}, "value": 7})
    return registry


def named(name: str, **spec: object) -> Json:
    body = pod(name)
    return {**body, "metadata": {"name": name, "namespace": "n"}, "spec": {**body["spec"], **spec}}


def quota(registry: Registry, hard: dict[str, str], **spec: object) -> None:
    body = {"metadata": {"name": "q", "namespace": "n"}, "spec": {"hard": hard, **spec}}
    made = registry.create(QUOTAS, body)
    registry.store.update(QUOTAS, {**made, "status": {"hard": hard, "used": {}}}, subresource="status")


def test_one_pod_too_many_is_refused_in_upstreams_words(registry: Registry) -> None:
    quota(registry, {"pods": "1"})
    registry.create(PODS, named("a"))
    with pytest.raises(Forbidden) as refused:
        registry.create(PODS, named("b"))
    assert refused.value.message == (
        'pods "b" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'
    )


def test_a_quota_bites_only_once_its_controller_has_seen_it(registry: Registry) -> None:
    body = {"metadata": {"name": "q", "namespace": "n"}, "spec": {"hard": {"pods": "0"}}}
    registry.create(QUOTAS, body)
    assert registry.create(PODS, named("a"))["metadata"]["name"] == "a"


def test_a_fence_holds_one_priority_class_and_lets_others_pass(registry: Registry) -> None:
    term = {"scopeName": "PriorityClass", "operator": "In", "values": ["fenced"]}
    registry.create(PODS, named("before", priorityClassName="fenced"))
    quota(registry, {"pods": "0"}, scopeSelector={"matchExpressions": [term]})
    registry.create(PODS, named("other"))
    with pytest.raises(Forbidden):
        registry.create(PODS, named("inside", priorityClassName="fenced"))
    labelled = {"name": "before", "namespace": "n", "labels": {"business": "one"}}
    current = registry.store.get(PODS, "n", "before")
    assert registry.update(PODS, {**current, "metadata": {**current["metadata"], **labelled}})


def test_finished_pods_count_no_longer(registry: Registry) -> None:
    quota(registry, {"pods": "1"})
    first = registry.create(PODS, named("a"))
    registry.store.update(PODS, {**first, "status": {"phase": "Succeeded"}}, subresource="status")
    registry.create(PODS, named("b"))


def test_gpus_are_counted_by_their_limits(registry: Registry) -> None:
    quota(registry, {"requests.nvidia.com/gpu": "1"})
    body = named("a")
    body["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": "2"}}
    with pytest.raises(Forbidden, match=r"requests\.nvidia\.com/gpu=2"):
        registry.create(PODS, body)


def test_an_unknown_priority_class_is_refused(registry: Registry) -> None:
    with pytest.raises(Forbidden, match="no PriorityClass with name nobody"):
        registry.create(PODS, named("a", priorityClassName="nobody"))
    made = registry.create(PODS, named("b", priorityClassName="fenced"))
    assert made["spec"]["priority"] == 7
    with pytest.raises(AlreadyExists):
        registry.create(PODS, named("b"), dry_run=True)
