"""The living cluster as clients meet it: one process, HTTPS, streams through the API server's proxy."""

from __future__ import annotations

import base64
import json
import re
import ssl
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from tests.devcluster.living import deployment, is_ready, service
from tests.processes import devcluster, until

pytestmark = [pytest.mark.devcluster, pytest.mark.xdist_group("world_process")]

PODS = "/api/v1/namespaces/default/pods"
SERVICES = "/api/v1/namespaces/default/services"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
MISHAPS = "/devcluster/mishaps"


@pytest.fixture(scope="module")
def api() -> Iterator[httpx.Client]:
    """An administrator's client of a cluster of two GPU nodes with a pool of two pods."""
    with devcluster("--lag", "0.2", "--startup", "0.3", "--nodes", "2") as cluster:
        config = yaml.safe_load(cluster.admin_kubeconfig)
        authority = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
        headers = {"authorization": f"Bearer {config['users'][0]['user']['token']}"}
        with httpx.Client(
            base_url=cluster.server,
            headers=headers,
            verify=ssl.create_default_context(cadata=authority),
            timeout=30,
        ) as client:
            client.post(DEPLOYMENTS, json=deployment("llm", 2)).raise_for_status()
            until(lambda: len(ready(client)) == 2, seconds=60)
            yield client


def ready(api: httpx.Client) -> list[str]:
    return sorted(pod["metadata"]["name"] for pod in api.get(PODS).json()["items"] if is_ready(pod))


def label(api: httpx.Client, pod: str, business: str) -> None:
    body = {"metadata": {"labels": {"business": business}}}
    headers = {"content-type": "application/merge-patch+json"}
    api.patch(f"{PODS}/{pod}", json=body, headers=headers).raise_for_status()


def question(tokens: int, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "hello"}], "max_tokens": tokens, **more}


def chat_path(kind: str, name: str) -> str:
    return f"/api/v1/namespaces/default/{kind}/{name}/proxy/v1/chat/completions"


def running(api: httpx.Client, pod: str) -> float:
    text = api.get(f"{PODS}/{pod}:8000/proxy/metrics").text
    found = re.search(r"^vllm:num_requests_running\{.*\} (\S+)$", text, re.MULTILINE)
    return float(found.group(1)) if found else -1


def test_traffic_follows_the_label_over_the_wire(api: httpx.Client) -> None:
    first, second = ready(api)
    for tag in ("production", "testing"):
        manifest = service(f"llm-{tag}", {"model": "llm", "business": tag})
        api.post(SERVICES, json=manifest).raise_for_status()
    for pod, tag in ((first, "production"), (second, "testing"), (second, "production"), (first, "testing")):
        label(api, pod, tag)
        path = chat_path("services", f"llm-{tag}:http")
        until(lambda path=path, pod=pod: pod in served_by(api, path))
    until(lambda: served_by(api, chat_path("services", "llm-production:http")) == {second})
    until(lambda: served_by(api, chat_path("services", "llm-testing:http")) == {first})


def served_by(api: httpx.Client, path: str) -> set[str]:
    answers = [api.post(path, json=question(1)) for _ in range(4)]
    return {answer.headers.get("x-served-by", str(answer.status_code)) for answer in answers}


def test_a_stream_arrives_token_by_token_and_names_its_pod(api: httpx.Client) -> None:
    pod, begun, times = ready(api)[0], time.monotonic(), []
    with api.stream("POST", chat_path("pods", f"{pod}:8000"), json=question(50, stream=True)) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: {"):
                times.append(time.monotonic() - begun)
                assert json.loads(line.removeprefix("data: "))["system_fingerprint"] == pod
    assert len(times) == 52
    assert times[-1] - times[1] > 0.7


def test_a_client_that_leaves_frees_the_slot(api: httpx.Client) -> None:
    pod = ready(api)[0]
    with api.stream("POST", chat_path("pods", f"{pod}:8000"), json=question(5000, stream=True)) as answer:
        lines = answer.iter_lines()  # kept: httpx closes the connection with its iterator
        next(lines)
        until(lambda: running(api, pod) == 1)
    until(lambda: running(api, pod) == 0)


def test_a_pod_killed_in_the_middle_of_a_stream_breaks_the_connection(api: httpx.Client) -> None:
    pod = ready(api)[0]
    with (
        pytest.raises(httpx.RemoteProtocolError),
        api.stream("POST", chat_path("pods", f"{pod}:8000"), json=question(5000, stream=True)) as answer,
    ):
        lines = answer.iter_lines()
        next(lines)
        api.delete(f"{PODS}/{pod}", params={"gracePeriodSeconds": 0}).raise_for_status()
        for _ in lines:
            continue
    until(lambda: len(ready(api)) == 2, seconds=60)


def test_a_loading_pod_refuses_connections_as_a_real_one(api: httpx.Client) -> None:
    pod = ready(api)[0]
    answer = api.get(f"{PODS}/{pod}:9999/proxy/health")
    assert answer.status_code == 503 and "connection refused" in answer.json()["message"]


def test_mishaps_are_switched_over_the_wire(api: httpx.Client) -> None:
    made = api.post(MISHAPS, json={"kind": "answer", "status": 429, "resource": "nodes", "count": 1})
    assert made.status_code == 201
    assert [item["id"] for item in api.get(MISHAPS).json()["items"]] == [made.json()["id"]]
    refused = api.get("/api/v1/nodes")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert api.get("/api/v1/nodes").status_code == 200
    assert api.post(MISHAPS, json={"kind": "earthquake"}).status_code == 400


def test_the_pods_log_follows_its_requests(api: httpx.Client) -> None:
    pod = ready(api)[0]
    with api.stream("GET", f"{PODS}/{pod}/log", params={"follow": "true", "tailLines": "1"}) as log:
        lines = log.iter_lines()
        next(lines)
        api.post(chat_path("pods", f"{pod}:8000"), json=question(1)).raise_for_status()
        assert any('"POST /v1/chat/completions HTTP/1.1" 200 OK' in line for line in lines_until_post(lines))


def lines_until_post(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line
        if "POST" in line:
            return


def test_a_write_whose_answer_is_lost_was_carried_out_all_the_same(api: httpx.Client) -> None:
    pod = ready(api)[0]
    api.post(MISHAPS, json={"kind": "answer", "status": 500, "verb": "patch", "after": True, "count": 1})
    with pytest.raises(httpx.HTTPStatusError, match="500"):
        label(api, pod, "lost-answer")
    assert api.get(f"{PODS}/{pod}").json()["metadata"]["labels"]["business"] == "lost-answer"
