"""What pods offer through the API server: their log, their own HTTP, eviction and graceful ends."""

from __future__ import annotations

import json
import threading
import time

import pytest

from tests.devcluster.client import Client, deployment
from tests.processes import Devcluster, until


@pytest.fixture(scope="module")
def served(devcluster: Devcluster) -> tuple[Client, str, str]:
    """A running model server behind a Service: the client, its namespace path and the pod's name."""
    client = Client(devcluster.folder / "kubeconfig")
    where = client.namespace()
    body = deployment("m", 1)
    spec = body["spec"]["template"]["spec"]
    spec.pop("schedulerName")
    spec["containers"][0].update({"command": ["vllm", "serve", "Qwen/Qwen3-0.6B"]})
    spec["containers"][0].update({"ports": [{"containerPort": 8000}], "image": "vllm/vllm-openai:v0.11.0"})
    client.create(f"/apis/apps/v1/namespaces/{where}/deployments", body)
    ports = [{"name": "http", "port": 80, "targetPort": 8000}]
    service = {"metadata": {"name": "m"}, "spec": {"selector": {"app": "m"}, "ports": ports}}
    client.create(f"/api/v1/namespaces/{where}/services", service)
    path = f"/api/v1/namespaces/{where}"
    until(lambda: client.ask("GET", f"{path}/services/m:http/proxy/health").status_code == 200, seconds=40)
    return client, path, client.get(f"{path}/pods")["items"][0]["metadata"]["name"]


Served = tuple[Client, str, str]


def test_a_pod_and_a_service_lead_to_the_same_server(served: Served) -> None:
    client, path, name = served
    for way in (
        f"pods/{name}:8000",
        f"pods/{name}",
        "services/m:http",
        "services/m:80",
        "services/http:m:http",
    ):
        answer = client.ask("GET", f"{path}/{way}/proxy/v1/models")
        assert (answer.status_code, answer.headers["x-served-by"]) == (200, name)


def test_a_stream_comes_piece_by_piece(served: Served) -> None:
    client, path, _ = served
    body = {"model": "Qwen/Qwen3-0.6B", "prompt": "x", "max_tokens": 20, "stream": True}
    moments = []
    with client.http.stream("POST", f"{path}/services/m:http/proxy/v1/completions", json=body) as answer:
        for line in answer.iter_lines():
            moments.append((time.monotonic(), line))
    assert "data: [DONE]" in [line for _, line in moments[-2:]]
    assert moments[-1][0] - moments[0][0] > 0.1


def test_a_client_that_leaves_frees_its_place(served: Served) -> None:
    client, path, name = served
    body = {"model": "Qwen/Qwen3-0.6B", "prompt": "x", "max_tokens": 3000, "stream": True}
    metrics = f"{path}/pods/{name}:8000/proxy/metrics"

    def at_work() -> bool:
        lines = client.ask("GET", metrics).text.splitlines()
        return any(
            line.startswith("vllm:num_requests_running") and not line.endswith(" 0.0") for line in lines
        )

    with client.http.stream("POST", f"{path}/pods/{name}:8000/proxy/v1/completions", json=body):
        until(at_work, what="the request to run")
    until(lambda: not at_work(), seconds=15, what="the place to be free")


def test_the_credentials_do_not_reach_the_pod(served: Served) -> None:
    client, path, name = served
    before = client.ask("GET", f"{path}/pods/{name}/log").text
    client.ask("GET", f"{path}/pods/{name}:8000/proxy/v1/models?a=b%2Fc")
    assert client.token not in client.ask("GET", f"{path}/pods/{name}/log").text
    assert before


def test_what_does_not_answer_is_503_and_what_does_not_exist_404(served: Served) -> None:
    client, path, name = served
    assert client.ask("GET", f"{path}/pods/{name}:9/proxy/").status_code == 503
    assert client.ask("GET", f"{path}/pods/none:8000/proxy/").status_code == 404
    assert client.ask("GET", f"{path}/services/none:http/proxy/").status_code == 404
    assert client.ask("GET", f"{path}/services/m:other/proxy/").status_code == 503


def test_a_log_is_cut_and_stamped_as_asked(served: Served) -> None:
    client, path, name = served
    whole = client.ask("GET", f"{path}/pods/{name}/log").text.splitlines()
    assert client.ask("GET", f"{path}/pods/{name}/log?tailLines=2").text.splitlines() == whole[-2:]
    assert client.ask("GET", f"{path}/pods/{name}/log?limitBytes=10").text == "\n".join(whole)[:10]
    stamped = client.ask("GET", f"{path}/pods/{name}/log?timestamps=true&tailLines=1").text
    assert stamped.split(" ", 1)[0].endswith("Z")
    assert "previous terminated container" in client.ask("GET", f"{path}/pods/{name}/log?previous=true").text


def test_a_followed_log_brings_the_next_line(served: Served) -> None:
    client, path, name = served
    seen: list[str] = []

    def follow() -> None:
        with client.http.stream("GET", f"{path}/pods/{name}/log?follow=true&tailLines=0") as answer:
            for line in answer.iter_lines():
                seen.append(line)
                return

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()

    def ask() -> bool:
        client.ask("GET", f"{path}/pods/{name}:8000/proxy/v1/models")
        return bool(seen)

    until(ask, what="a line of the followed log")
    follower.join(10)


def test_an_evicted_pod_goes_gracefully(served: Served) -> None:
    client, path, name = served
    answer = client.ask("POST", f"{path}/pods/{name}/eviction", {"metadata": {"name": name}})
    assert (answer.status_code, json.loads(answer.text)["status"]) == (201, "Success")
    until(lambda: client.ask("GET", f"{path}/pods/{name}").status_code == 404, seconds=40)
