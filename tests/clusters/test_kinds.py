"""What the mirror keeps of the API's objects: the recorded answers of a real server and made-up corners."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from apps.clusters.kinds import ENDPOINTSLICES, NODES, PODS, SERVICES
from apps.gateways import labels

WIRE = Path(__file__).parent.parent / "wire"


def project(kind: Any, raw: dict[str, Any]) -> dict[str, Any]:
    projected: dict[str, Any] = kind.project(msgspec.json.decode(json.dumps(raw), type=kind.struct))
    return projected


def recorded(file: str, kind: str) -> list[dict[str, Any]]:
    """Every object of a kind in a file of recorded answers."""
    found: list[dict[str, Any]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("kind") == kind and "metadata" in node:
                found.append(node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(json.loads((WIRE / file).read_text()))
    for item in found:
        item["metadata"].pop("managedFields", None)
    return found


def pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", "uid": "u"}, "spec": {"containers": [{"name": "c"}]}, "status": status}


@pytest.mark.parametrize(
    ("kind", "file", "word"),
    [(PODS, "17-pod-and-node-states.json", "Pod"), (NODES, "17-pod-and-node-states.json", "Node"),
     (SERVICES, "06-create-and-validation.json", "Service")],
)  # fmt: skip
def test_every_recorded_object_can_be_projected(kind: Any, file: str, word: str) -> None:
    objects = recorded(file, word)
    assert [project(kind, item) for item in objects] or word == "Service"


def container(**state: dict[str, str]) -> list[dict[str, Any]]:
    return [{"name": "c", "state": state}]


GOING = {**pod(phase="Running"), "metadata": {"name": "p", "deletionTimestamp": "2026-01-01T00:00:00Z"}}
PULLING = container(waiting={"reason": "ImagePullBackOff"})
STATES = [
    (pod(phase="Running"), "Running"),
    (pod(phase="Failed", reason="Evicted"), "Evicted"),
    (pod(phase="Pending", containerStatuses=PULLING), "ImagePullBackOff"),
    (pod(phase="Running", containerStatuses=container(terminated={"reason": "Error"})), "Error"),
    (GOING, "Terminating"),
    (pod(), "Unknown"),
]


@pytest.mark.parametrize(("raw", "words"), STATES)
def test_a_pods_state_is_said_in_kubectls_words(raw: dict[str, Any], words: str) -> None:
    assert project(PODS, raw)["state"] == words


def test_gpus_are_the_containers_sum_or_the_hungriest_init_container() -> None:
    raw = pod(phase="Running")
    raw["spec"] = {
        "containers": [
            {"name": "a", "resources": {"requests": {labels.GPU: "2"}}},
            {"name": "b", "resources": {"limits": {labels.GPU: "1"}}},
        ],
        "initContainers": [{"name": "i", "resources": {"requests": {labels.GPU: "4"}}}],
    }
    assert project(PODS, raw)["gpus"] == 4


def wrote(label: str) -> dict[str, Any]:
    return {"f:metadata": {"f:labels": {f"f:{label}": {}}}}


def test_the_last_writer_of_the_business_label_is_known() -> None:
    raw = pod(phase="Running")
    entries = [
        {"manager": "kcm", "time": "2026-01-01T00:00:00Z", "fieldsV1": wrote("app")},
        {"manager": "kubectl-label", "time": "2026-01-02T00:00:00Z", "fieldsV1": wrote("business")},
    ]
    raw["metadata"] |= {"labels": {"business": "production"}, "managedFields": entries}
    projected = project(PODS, raw)
    assert projected["business_writer"] == {"manager": "kubectl-label", "at": "2026-01-02T00:00:00+00:00"}


def test_an_endpoint_without_conditions_is_ready_and_serving() -> None:
    raw = {
        "metadata": {"name": "s", "labels": {labels.SERVICE_NAME: "svc"}},
        "endpoints": [
            {"addresses": ["10.0.0.1"], "targetRef": {"name": "p", "uid": "u"}},
            {"addresses": ["10.0.0.2"], "conditions": {"ready": False, "serving": True, "terminating": True}},
        ],
    }
    one, two = project(ENDPOINTSLICES, raw)["endpoints"]
    assert (one["pod"], one["ready"], one["serving"], one["terminating"]) == ("p", True, True, False)
    assert (two["ready"], two["serving"], two["terminating"]) == (False, True, True)


@pytest.mark.parametrize("kind", [PODS, NODES, SERVICES, ENDPOINTSLICES], ids=lambda kind: kind.name)
def test_a_bookmark_and_an_empty_object_can_be_decoded(kind: Any) -> None:
    assert project(kind, {"metadata": {"resourceVersion": "7"}})
    assert project(kind, {"metadata": {"name": "x"}, "spec": {}, "status": {}})
