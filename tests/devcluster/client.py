"""A plain HTTPS client of a running development cluster, for tests that look at the wire itself."""

from __future__ import annotations

import base64
import itertools
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

Json = dict[str, Any]
MERGE = "application/merge-patch+json"
_numbers = itertools.count(1)


class Client:
    """As the user of a kubeconfig, or with another token."""

    def __init__(self, kubeconfig: Path, *, token: str | None = None, agent: str = "tester/1") -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        self.server: str = cluster["server"]
        self.token: str = config["users"][0]["user"]["token"] if token is None else token
        self.ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
        headers = {"user-agent": agent, **({"authorization": f"Bearer {self.token}"} if self.token else {})}
        context = ssl.create_default_context(cadata=self.ca)
        self.http = httpx.Client(base_url=self.server, verify=context, headers=headers, timeout=30)

    def ask(
        self, method: str, path: str, body: Any = None, *, media: str = "", accept: str = ""
    ) -> httpx.Response:
        headers = {"content-type": media or "application/json"} if body is not None else {}
        if accept:
            headers["accept"] = accept
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        return self.http.request(method, path, content=content, headers=headers)

    def get(self, path: str, **more: str) -> Json:
        found: Json = self.ask("GET", path, **more).raise_for_status().json()
        return found

    def create(self, path: str, body: Json) -> Json:
        made: Json = self.ask("POST", path, body).raise_for_status().json()
        return made

    def patch(self, path: str, body: Any, media: str = MERGE) -> httpx.Response:
        return self.ask("PATCH", path, body, media=media)

    @contextmanager
    def watch(self, path: str, **more: str) -> Iterator[Iterator[Json]]:
        """The events of a watch as they come."""
        with self.http.stream("GET", path, headers=more) as answer:
            yield (json.loads(line) for line in answer.iter_lines())

    def namespace(self) -> str:
        """A fresh namespace of this test's own."""
        name = f"t{next(_numbers)}-{id(self) % 100_000}"
        self.create("/api/v1/namespaces", {"metadata": {"name": name}})
        return name


def pod(name: str, **labels: str) -> Json:
    """A pod that waits for a scheduler nobody runs, so that nothing but the test touches it."""
    spec = {
        "schedulerName": "nobody",
        "containers": [{"name": "main", "image": "registry.example/x:1"}],
    }
    return {"metadata": {"name": name, "labels": labels}, "spec": spec}


def deployment(name: str, replicas: int = 0) -> Json:
    template = {"metadata": {"labels": {"app": name}}, "spec": pod(name)["spec"]}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
