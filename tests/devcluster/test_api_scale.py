"""The scale subresource as compare-and-swap, and a cluster of 500 nodes and 5,000 pods."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from tests import processes
from tests.devcluster.client import Client, deployment

JSON_PATCH = "application/json-patch+json"
PODS, NODES = 5000, 500


def test_the_test_is_made_on_what_is_replaced(admin: Client, namespace: str) -> None:
    """The body arrives in two halves; between them another client changes the number."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    admin.create(path, deployment("d", 0))
    tests = [
        {"op": "test", "path": "/spec/replicas", "value": 0},
        {"op": "replace", "path": "/spec/replicas", "value": 5},
    ]
    body = json.dumps(tests).encode()

    def halves() -> Iterator[bytes]:
        yield body[:20]
        time.sleep(0.3)
        admin.patch(f"{path}/d/scale", {"spec": {"replicas": 1}}).raise_for_status()
        yield body[20:]

    answer = admin.http.patch(f"{path}/d/scale", content=halves(), headers={"content-type": JSON_PATCH})
    assert answer.status_code == 422
    assert admin.get(f"{path}/d/scale")["spec"]["replicas"] == 1


def test_five_thousand_pods_fit_and_list_quickly() -> None:
    """Measured and printed; the gates are the memory, and seconds for a LIST on a loaded machine."""
    with processes.devcluster("--nodes", str(NODES - 1), "--pods", str(PODS)) as running:
        client = Client(running.folder / "kubeconfig")
        client.ask("GET", "/api/v1/pods").raise_for_status()
        began = time.monotonic()
        answer = client.ask("GET", "/api/v1/pods").raise_for_status()
        took = time.monotonic() - began
        stats = client.get("/devcluster/stats")
    megabytes = stats["rss_bytes"] / 1e6
    print(
        f"\n{stats['objects']['pods']} pods, {stats['objects']['nodes']} nodes: {megabytes:.0f} MB resident,"
    )
    print(f"LIST of {len(answer.content) / 1e6:.1f} MB in {took * 1000:.0f} ms")
    assert (stats["objects"]["pods"], stats["objects"]["nodes"]) == (PODS, NODES)
    assert megabytes < 1000
    assert took < 10
