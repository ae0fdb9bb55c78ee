"""Plans of the recordings of what lives: access, logs, events, endpoints, rollouts, jobs, states."""

from __future__ import annotations

from typing import Any

from devcluster.resources import resource
from tests.devcluster.wire import Json, Stage, objects_in, recorded_body
from tests.devcluster.wire_objects import first_versions, recorded
from tests.devcluster.wire_plan import NEWER, Plan
from tests.devcluster.wire_plans_reading import DISCOVERY, GONE, SELECTORS, TABLES, WATCHES, no_bookmarks
from tests.devcluster.wire_plans_writing import APPLY, CREATION, DELETIONS, PATCHES, SCALE


def seed_logs(stage: Stage, exchanges: list[Json]) -> None:
    pod = recorded("02-list-selectors", "Pod", "pool-a-85d845b4b6-7rj8s")
    containers = [{**pod["spec"]["containers"][0], "name": name} for name in ("a", "b")]
    two = {
        **pod,
        "metadata": {"name": "two", "namespace": "demo"},
        "spec": {**pod["spec"], "containers": containers},
    }
    stage.place(pod, two, recorded("17-pod-and-node-states", "Pod", "too-big"))


AUTH = Plan("11-auth-and-errors", adapt={10: sorted})
LOGS = Plan("12-pod-log", seed_logs, skip={7: "that rig had no kubelet; here it answers (test_api_pods.py)"})


def seed_all(stage: Stage, exchanges: list[Json]) -> None:
    stage.place(*(item for item in first_versions(exchanges) if item["apiVersion"] != "events.k8s.io/v1"))


def events_counted(stage: Stage, exchange: Json) -> None:
    """The events have happened as often as the recorded rows say."""
    events = resource("events")
    for row in exchange["response"]["body"]["rows"]:
        found, count = stage.store.get(events, "demo", row["cells"][-1]), row["cells"][-2]
        if "series" in found:
            stage.store.update(events, {**found, "series": {**found["series"], "count": count}})
        elif count > 1:
            stage.store.update(events, {**found, "count": count})


EVENTS = Plan(
    "13-events",
    seed_all,
    before={1: events_counted},
    skip={4: "events.k8s.io is not served: the portal reads v1 Events"},
)


def slices_as_v1(value: Any) -> Any:
    """discovery.k8s.io/v1: topology became nodeName and zone, serving and terminating were added."""
    if isinstance(value, dict):
        hidden = ("topology", "nodeName", "deprecatedTopology", "serving", "terminating")
        kept = {key: slices_as_v1(item) for key, item in value.items() if key not in hidden}
        return {**kept, "apiVersion": "v1"} if "apiVersion" in kept else kept
    return [slices_as_v1(item) for item in value] if isinstance(value, list) else value


def as_served(obj: Json) -> Json:
    """A recorded EndpointSlice in the version served here."""
    if obj["kind"] != "EndpointSlice":
        return obj
    kept = [{key: item for key, item in point.items() if key != "topology"} for point in obj["endpoints"]]
    return {**obj, "apiVersion": "discovery.k8s.io/v1", "endpoints": kept}


def place_lines(stage: Stage, exchange: Json) -> None:
    """What the controllers wrote while the watch was open, in its order."""
    for line in recorded_body(exchange):
        if line["type"] != "BOOKMARK":
            stage.place(as_served(line["object"]))


def seed_endpoint_states(stage: Stage, exchanges: list[Json]) -> None:
    stage.place(*(as_served(item) for item in first_versions(exchanges[:3] + exchanges[5:])))


def seed_before_watch(stage: Stage, exchanges: list[Json]) -> None:
    """What existed when the watches of this file began."""
    names = {"llm-production", "llm-unassigned", "llm-production-8bldv", "llm-unassigned-dprz8"}
    found = [item for item in first_versions(exchanges) if item["metadata"]["name"] in names]
    old = [{**item, "metadata": {**item["metadata"], "resourceVersion": "61050"}} for item in found]
    stage.place(*(without_pods(as_served(item)) for item in old))


def without_pods(obj: Json) -> Json:
    return {key: [] if key == "endpoints" else value for key, value in obj.items() if key != "subsets"}


ENDPOINT_STATES = Plan(
    "14-endpoints",
    seed_endpoint_states,
    only=(0, 1, 2, 5, 6),
    skip={2: NEWER + "discovery.k8s.io/v1 is served"},
    adapt=dict.fromkeys((1, 6), slices_as_v1),
)
ENDPOINT_WATCHES = Plan(
    "14-endpoints",
    seed_before_watch,
    only=(3, 4),
    during={3: place_lines, 4: place_lines},
    adapt={4: slices_as_v1},
    fresh=True,
)


def place_response(stage: Stage, exchange: Json) -> None:
    """The controllers have got as far as the recording says."""
    stage.place(*objects_in([recorded_body(exchange)]))


def after_patch(stage: Stage, exchange: Json) -> None:
    """The first recorded line is the patch itself, which this server has done."""
    lines = [line for line in recorded_body(exchange) if line["type"] != "BOOKMARK"]
    stage.place(*(line["object"] for line in lines[1:]))


def seed_rollout(stage: Stage, exchanges: list[Json]) -> None:
    stage.place(*objects_in([recorded_body(exchange) for exchange in exchanges[:2]]))
    other = recorded("15-rollout-status", "Deployment", "web")
    other["spec"].pop("paused")
    stage.place({**other, "metadata": {**other["metadata"], "resourceVersion": "66000", "generation": 6}})
    stage.store.revision = 70_971


ROLLOUT = Plan(
    "15-rollout-status",
    seed_rollout,
    before={**dict.fromkeys((5, 6, 7, 8, 9, 11), place_response)},
    during={3: after_patch, 4: place_lines},
    adapt={3: no_bookmarks, 4: no_bookmarks},
    echo_status=True,
)


def without_status_column(body: Json) -> Json:
    """Newer servers print a Status column."""
    heads = [item["name"] for item in body["columnDefinitions"]]
    if "Status" not in heads:
        return body
    kept = [item for item in body["columnDefinitions"] if item["name"] != "Status"]
    at = heads.index("Status")
    shown = [{**row, "cells": row["cells"][:at] + row["cells"][at + 1 :]} for row in body["rows"]]
    return {**body, "columnDefinitions": kept, "rows": shown}


def three_jobs(stage: Stage, exchange: Json) -> None:
    late = recorded("16-jobs", "Job", "late")
    stage.place({**late, "status": {**late["status"], "succeeded": 0}})


JOBS = Plan(
    "16-jobs",
    before={**dict.fromkeys((1, 2, 3, 5, 6), place_response), 4: three_jobs},
    adapt={4: without_status_column},
    skip={
        0: NEWER + "a Job gets completionMode, suspend, podReplacementPolicy and batch.kubernetes.io labels"
    },
)
STATES = Plan("17-pod-and-node-states", seed_all)
PLANS: tuple[Plan, ...] = (
    DISCOVERY,
    SELECTORS,
    GONE,
    WATCHES,
    TABLES,
    CREATION,
    PATCHES,
    APPLY,
    SCALE,
    DELETIONS,
    AUTH,
    LOGS,
    EVENTS,
    ENDPOINT_STATES,
    ENDPOINT_WATCHES,
    ROLLOUT,
    JOBS,
    STATES,
)
