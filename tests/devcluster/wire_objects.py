"""Objects for the stage: whole where they were recorded whole, else made from their Table rows."""

from __future__ import annotations

import copy
from typing import Any

from tests.devcluster.wire import Json, load, objects_in, recorded_body

MARKS = ("deletionTimestamp", "deletionGracePeriodSeconds", "finalizers")


def recorded(file: str, kind: str, name: str, *, at: int = 0) -> Json:
    """A whole object from a file, in its `at`-th recorded version."""
    bodies = [recorded_body(exchange) for exchange in load(file)]
    found = [item for item in objects_in(bodies) if (item["kind"], item["metadata"]["name"]) == (kind, name)]
    return copy.deepcopy(found[at])


def first_versions(exchanges: list[Json], *kinds: str) -> list[Json]:
    """The first recorded version of every object of these kinds (of all, when none is named)."""
    first: dict[tuple[str, str], Json] = {}
    for item in objects_in([recorded_body(exchange) for exchange in exchanges]):
        if not kinds or item["kind"] in kinds:
            first.setdefault((item["kind"], item["metadata"]["name"]), item)
    return list(first.values())


def alive(obj: Json, **changes: Any) -> Json:
    """A recorded object as it was before it was told to go."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in MARKS}
    if "generation" in metadata:
        metadata["generation"] = 1
    return {**obj, "metadata": {**metadata, **changes}}


def rows(file: str, index: int) -> list[Json]:
    found: list[Json] = load(file)[index]["response"]["body"]["rows"]
    return found


def demo_pods() -> list[Json]:
    pods = {item["metadata"]["name"]: item for item in first_versions(load("02-list-selectors"), "Pod")}
    for name in ("pull-error", "too-big"):
        pods[name] = recorded("17-pod-and-node-states", "Pod", name)
    for row in rows("02-list-selectors", 19):
        pods.setdefault(row["cells"][0], pod_of_row(row))
        pods[row["cells"][0]]["metadata"]["resourceVersion"] = row["object"]["metadata"]["resourceVersion"]
    return list(pods.values())


def pod_of_row(row: Json) -> Json:
    """The pod that prints as this row."""
    _name, ready, phase, restarts, _, address, node = row["cells"][:7]
    whole = copy.deepcopy(recorded("02-list-selectors", "Pod", "not-ready"))
    statuses = [
        {**whole["status"]["containerStatuses"][0], "ready": ready == "1/1", "restartCount": restarts}
    ]
    status = {**whole["status"], "phase": phase, "podIP": address, "containerStatuses": statuses}
    spec = {**whole["spec"], "nodeName": node}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": row["object"]["metadata"],
        "spec": spec,
        "status": status,
    }


def workload_of_row(row: Json, kind: str, ready: Json) -> Json:
    """A Deployment or ReplicaSet that prints as this row."""
    name, images, selector = row["cells"][0], row["cells"][-2], row["cells"][-1]
    labels = dict(part.split("=") for part in selector.split(","))
    container = {"name": row["cells"][-3], "image": images}
    spec = {
        "replicas": ready["replicas"],
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    metadata = {**row["object"]["metadata"], "name": name}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec, "status": ready}


def counts(row: Json, *more: str) -> Json:
    number = int(str(row["cells"][1]).split("/")[0])
    return dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", *more), number)


def service_of_row(row: Json) -> Json:
    name, kind, address, _, port, _, selector = row["cells"]
    number, protocol = port.split("/")
    spec = {
        "type": kind,
        "clusterIP": address,
        "ports": [{"port": int(number), "protocol": protocol}],
        "selector": dict(part.split("=") for part in selector.split(",")),
    }
    metadata = {**row["object"]["metadata"], "name": name}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def endpoints_of_row(row: Json) -> Json:
    addresses = [part.split(":")[0] for part in row["cells"][1].split(",")]
    subset = {"addresses": [{"ip": address} for address in addresses], "ports": [{"port": 8000}]}
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": row["object"]["metadata"],
        "subsets": [subset],
    }


def event_of_row(row: Json) -> Json:
    _last, kind, reason, target, _, source, message, _first, count, name = row["cells"]
    about, _, who = target.partition("/")
    component, _, host = source.partition(", ")
    times = {"firstTimestamp": "2026-11-22T04:19:33Z", "lastTimestamp": "2026-11-22T04:19:33Z"}
    body = {"type": kind, "reason": reason, "message": message, "count": count, **times}
    body["involvedObject"] = {"kind": about.capitalize(), "name": who, "namespace": "demo"}
    body["source"] = {key: value for key, value in (("component", component), ("host", host)) if value}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {**row["object"]["metadata"], "name": name},
        **body,
    }


def node_of_row(row: Json) -> Json:
    name, _, _, _, version, address, _, image, kernel, runtime = row["cells"]
    whole = recorded("17-pod-and-node-states", "Node", "hyperpod-i-m5-4xlarge-0000")
    info = {
        **whole["status"]["nodeInfo"],
        "kubeletVersion": version,
        "osImage": image,
        "kernelVersion": kernel,
    }
    info["containerRuntimeVersion"] = runtime
    addresses = [{"type": "InternalIP", "address": address}]
    status = {**whole["status"], "nodeInfo": info, "addresses": addresses}
    return {**whole, "metadata": {**row["object"]["metadata"], "name": name}, "status": status}


def copies(obj: Json, count: int) -> list[Json]:
    """More of a kind, behind it in the order of names."""
    return [{**obj, "metadata": {"name": f"zz-{number:02}", "namespace": "demo"}} for number in range(count)]


def web(**changes: Any) -> Json:
    """The Deployment web as it was before it was patched."""
    found = recorded("07-patch", "Deployment", "web")
    container = found["spec"]["template"]["spec"]["containers"][0]
    container.pop("env", None)
    found["metadata"] = {**alive(found)["metadata"], "resourceVersion": "66000", **changes}
    return found
