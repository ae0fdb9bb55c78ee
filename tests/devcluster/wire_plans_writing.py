"""Plans of the recordings that write: creation, patches, server-side apply, scale, deletion."""

from __future__ import annotations

import copy
from typing import Any

from devcluster.resources import resource
from tests.devcluster.wire import Json, Stage
from tests.devcluster.wire_objects import alive, recorded, web
from tests.devcluster.wire_plan import NEWER, Act, Adapt, Plan

DEPLOYMENTS = resource("deployments")
QUOTA = recorded("06-create-and-validation", "ResourceQuota", "gpus")


def seed_creation(stage: Stage, exchanges: list[Json]) -> None:
    stage.place(web(), QUOTA)


def generated_name(body: Json) -> Json:
    name = body["metadata"]["name"]
    return {**body, "metadata": {**body["metadata"], "name": name[:5] + "x" * len(name[5:])}}


def before_detail(mark: str) -> Adapt:
    """Texts up to a mark: behind it the server prints Go's own structures."""

    def cut(value: Any) -> Any:
        if isinstance(value, str):
            return value.split(mark)[0]
        if isinstance(value, dict):
            return {key: cut(item) for key, item in value.items()}
        return [cut(item) for item in value] if isinstance(value, list) else value

    return cut


CREATION = Plan(
    "06-create-and-validation",
    seed_creation,
    adapt={
        2: generated_name,
        10: before_detail(" as a ConfigMap: "),
        16: before_detail(" fields other than "),
    },
    skip={5: NEWER + "fieldValidation=Strict refuses an unknown field since 1.25 (400)"},
)


def seed_patches(stage: Stage, exchanges: list[Json]) -> None:
    pod = recorded("02-list-selectors", "Pod", "pool-a-85d845b4b6-hzzfw")
    plain = recorded("07-patch", "Pod", "plain")
    plain["metadata"].pop("annotations")
    stage.place(pod, {**plain, "metadata": {**plain["metadata"], "resourceVersion": "66500"}}, web())


def relabelled(stage: Stage, exchange: Json) -> None:
    """Between two exchanges the recorder labelled the pod; the next names the revision that came of it."""
    pods, body = resource("pods"), exchange["request"]["body"]
    plain = stage.store.get(pods, "demo", "plain")
    labels = {"business": "unassigned", "n": "2", "nothing": "1"}
    changed = stage.store.update(pods, {**plain, "metadata": {**plain["metadata"], "labels": labels}})
    stage.names[body["metadata"]["resourceVersion"]] = changed["metadata"]["resourceVersion"]


PATCHES = Plan(
    "07-patch",
    seed_patches,
    before={20: relabelled},
    skip={14: NEWER + "replacing a missing key by JSON patch is refused (RFC 6902; evanphx/json-patch 4.12)"},
    echo_status=True,
)


def atomic_node_selector(value: Any) -> Any:
    """nodeSelector became atomic after 1.20: one field, not one per key."""
    if isinstance(value, dict):
        return {
            key: {} if key == "f:nodeSelector" else atomic_node_selector(item) for key, item in value.items()
        }
    return [atomic_node_selector(item) for item in value] if isinstance(value, list) else value


def owners(body: Json) -> Json:
    """The object with who owns what, where the recording kept it."""
    kept = body["metadata"].get("managedFields")
    owned = [(item["manager"], item["operation"], atomic_node_selector(item["fieldsV1"])) for item in kept]
    return {**body, "owners": owned}


def one_replica(exchange: Json) -> Json:
    """The first body was kept after its count had been raised for the second; the answer tells the truth."""
    changed = copy.deepcopy(exchange)
    changed["request"]["body"]["spec"]["replicas"] = 1
    return changed


APPLY = Plan(
    "08-server-side-apply",
    asked={0: one_replica},
    adapt={0: owners, 3: owners, 5: owners, 7: lambda body: body["message"].split(": ")[-2:]},
    echo_status=True,
)


def seed_scale(stage: Stage, exchanges: list[Json]) -> None:
    deployment = web(resourceVersion="67111")
    labels = {"model": "web", "pod-template-hash": "6cf8698984"}
    replicas = {
        **deployment,
        "kind": "ReplicaSet",
        "metadata": {"name": "web-6cf8698984", "namespace": "demo"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": deployment["spec"]["template"],
        },
        "status": {"replicas": 2},
    }
    stage.place({**deployment, "status": {"replicas": 3}}, replicas)


def scale_seen(stage: Stage, exchange: Json) -> None:
    """The controller has followed by as many pods as the recording says."""
    stage.status(DEPLOYMENTS, "demo", "web", {"replicas": exchange["response"]["body"]["status"]["replicas"]})


SCALE = Plan("09-scale", seed_scale, before=dict.fromkeys((1, 4, 6, 7, 9), scale_seen))


def seed_deletions(stage: Stage, exchanges: list[Json]) -> None:
    pods = [
        alive(recorded("10-delete-evict", "Pod", name), resourceVersion="") for name in ("d1", "d2", "d3")
    ]
    gone = [
        alive(recorded("10-delete-evict", "Deployment", name), resourceVersion="")
        for name in ("gone", "gone3")
    ]
    second = {**gone[0], "metadata": {**gone[0]["metadata"], "name": "gone2", "uid": ""}}
    evictable = [
        {**pods[0], "metadata": {"name": name, "namespace": "demo", "labels": {"app": "e"}}}
        for name in ("e1", "e2")
    ]
    stage.place(*pods, *gone, second, *evictable, web())


def budget_allows(count: int) -> Act:
    def act(stage: Stage, exchange: Json) -> None:
        status = {
            "observedGeneration": 1,
            "disruptionsAllowed": count,
            "currentHealthy": 2,
            "desiredHealthy": 2,
            "expectedPods": 2,
        }
        stage.status(resource("poddisruptionbudgets"), "demo", "keep", status)

    return act


def policy_v1(body: Json) -> Json:
    """policy/v1 took v1beta1's place."""
    return {**body, "apiVersion": "policy/v1"} if body.get("kind") == "PodDisruptionBudget" else body


DELETIONS = Plan(
    "10-delete-evict",
    seed_deletions,
    before={13: budget_allows(0), 15: budget_allows(1)},
    adapt={12: policy_v1, 13: policy_v1},
    skip={16: NEWER + "policy/v1 evictions are served"},
)
