"""The real kubectl, unpatched, against the development cluster: the one on PATH, and Debian's old one.

`TEST_KUBECTL_OLD` names Debian's (1.20, of its package kubernetes-client) where no `kubectl1.20` is on PATH.
"""

from __future__ import annotations

import json

import pytest

from tests.devcluster.client import Client, deployment
from tests.devcluster.conftest import Kubectl
from tests.processes import until

OLDEST_FOR_APPLY = 28


def manifest(name: str, replicas: int = 1) -> str:
    body = deployment(name, replicas)
    container = body["spec"]["template"]["spec"]["containers"][0]
    container.update({"command": ["vllm", "serve", "Qwen/Qwen3-0.6B"], "ports": [{"containerPort": 8000}]})
    body["spec"]["template"]["spec"].pop("schedulerName")
    return json.dumps(body)


def minor(kubectl: Kubectl) -> int:
    """The client's minor version, printed for the record."""
    found = json.loads(kubectl("version", "-o", "json"))["clientVersion"]
    print(f"kubectl {found['gitVersion']}")
    return int(found["minor"].rstrip("+"))


@pytest.fixture
def modern(kubectl: Kubectl) -> Kubectl:
    """A kubectl that can apply here; Debian's 1.20 is older."""
    if minor(kubectl) < OLDEST_FOR_APPLY:
        pytest.skip(f"this kubectl is older than 1.{OLDEST_FOR_APPLY}: apply and describe are not tried")
    return kubectl


def running(kubectl: Kubectl, app: str) -> str:
    """The name of a Ready pod of an app."""
    waited = until(
        lambda: [line for line in kubectl("get", "pods", "-l", f"app={app}").splitlines() if "1/1" in line],
        seconds=40,
        what=f"a ready pod of {app}",
    )
    return waited[0].split()[0]


def test_it_gets_and_prints_tables(kubectl: Kubectl) -> None:
    minor(kubectl)
    assert "STATUS" in kubectl("get", "nodes")
    assert "hyperpod-i-" in kubectl("get", "nodes", "-o", "wide")
    assert "default" in kubectl("get", "namespaces")
    assert "No resources found" in kubectl("get", "pods")


def test_it_applies_from_the_client_and_from_the_server(modern: Kubectl) -> None:
    assert "deployment.apps/a created" in modern("apply", "-f", "-", stdin=manifest("a"))
    assert "unchanged" in modern("apply", "-f", "-", stdin=manifest("a"))
    assert "configured" in modern("apply", "-f", "-", stdin=manifest("a", 0))
    assert "serverside-applied" in modern("apply", "--server-side", "-f", "-", stdin=manifest("b", 0))
    assert "serverside-applied" in modern("apply", "--server-side", "-f", "-", stdin=manifest("a", 0))


def test_it_reports_the_conflict_of_two_appliers(modern: Kubectl) -> None:
    modern("apply", "--server-side", "--field-manager", "one", "-f", "-", stdin=manifest("c", 0))
    second = ("apply", "--server-side", "--field-manager", "two", "-f", "-")
    text = modern(*second, stdin=manifest("c", 1).replace('"replicas": 1', '"replicas": 2'), check=False)
    assert 'conflict with "one": .spec.replicas' in text
    assert "applied" in modern(*second, "--force-conflicts", stdin=manifest("c", 0))


def test_it_refuses_an_unknown_field(modern: Kubectl) -> None:
    text = modern("apply", "-f", "-", stdin=manifest("d").replace('"replicas"', '"replicsa"'), check=False)
    assert 'unknown field "spec.replicsa"' in text


def test_it_labels_scales_and_deletes(kubectl: Kubectl, admin: Client, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    admin.create(path, json.loads(manifest("e", 0)))
    assert "labeled" in kubectl("label", "deployment", "e", "team=one")
    assert "scaled" in kubectl("scale", "deployment", "e", "--replicas=2")
    assert "scaled" in kubectl("scale", "deployment", "e", "--replicas=0", "--current-replicas=2")
    assert "Expected replicas" in kubectl(
        "scale", "deployment", "e", "--replicas=1", "--current-replicas=7", check=False
    )
    assert "deleted" in kubectl("delete", "deployment", "e", "--wait=false")


def test_it_describes_and_follows_a_log(modern: Kubectl) -> None:
    modern("apply", "-f", "-", stdin=manifest("f"))
    name = running(modern, "f")
    assert "deployment-controller" in modern("describe", "deployment", "f")
    described = modern("describe", "pod", name)
    assert "Scheduled" in described
    assert "Controlled By:  ReplicaSet/f-" in described
    until(lambda: "Application startup complete" in modern("logs", name), what="the whole log")
    followed = modern("logs", "-f", name, "--pod-running-timeout=20s", "--request-timeout=3s", check=False)
    assert "Application startup complete" in followed
    assert "deleted" in modern("delete", "pod", name)


def test_it_reads_a_log_and_deletes_the_pod(kubectl: Kubectl, admin: Client, namespace: str) -> None:
    admin.create(f"/apis/apps/v1/namespaces/{namespace}/deployments", json.loads(manifest("g")))
    name = running(kubectl, "g")
    until(lambda: "Application startup complete" in kubectl("logs", name), what="the whole log")
    assert "Application startup complete" in kubectl("logs", name, "--tail=20", "--timestamps")
    assert "deleted" in kubectl("delete", "pod", name, "--wait=false")
    assert "deleted" in kubectl("delete", "deployment", "g", "--cascade=foreground", "--wait=false")


def test_it_watches(kubectl: Kubectl, admin: Client, namespace: str) -> None:
    admin.create(f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": "seen"}})
    text = kubectl("get", "configmaps", "-w", "--request-timeout=2s", check=False)
    assert "seen" in text
