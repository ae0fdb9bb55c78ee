"""The portal under uvicorn with a served model behind it, for tests that call models.

The fixtures come through conftest.py; modules that use them carry `CALLS`, and so share one model.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import ApiToken, User
from apps.gateways import manifests
from apps.gateways.connection import from_kubeconfig
from apps.gateways.kubernetes import Kubernetes
from tests.inference.real import Place, new_namespace, place_in
from tests.processes import Devcluster, free_port, process, until

CALLS = [
    pytest.mark.xdist_group("model-calls"),
    pytest.mark.devcluster,
    pytest.mark.django_db(transaction=True),
]
CALLS_EACH = 30
NAME = "served"
MODEL = "Qwen/Qwen3-0.6B"


@dataclass
class Web:
    """The portal under uvicorn, and the model that it leads to."""

    address: str
    place: Place
    cookies: dict[str, str]
    token: str

    def api(self, path: str = "v1/chat/completions", service: str = NAME) -> str:
        slug, namespace = self.place.cluster.slug, self.place.namespace
        return f"{self.address}/api/c/{slug}/services/{namespace}/{service}/proxy/{path}"

    def program(self) -> httpx.AsyncClient:
        """A client with nothing but a token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.AsyncClient(headers=headers, timeout=60, limits=httpx.Limits(max_connections=100))

    def url(self, path: str = "v1/chat/completions", service: str = NAME) -> str:
        slug, namespace = self.place.cluster.slug, self.place.namespace
        return f"{self.address}/c/{slug}/services/{namespace}/{service}/proxy/{path}"

    def client(self, **options: Any) -> httpx.AsyncClient:
        headers = {"X-CSRFToken": self.cookies["csrftoken"]}
        limits = httpx.Limits(max_connections=100)
        return httpx.AsyncClient(cookies=self.cookies, headers=headers, timeout=60, limits=limits, **options)

    def metric(self, name: str) -> float:
        """A number of the engine's own, summed over its pods."""
        found = 0.0
        for pod in self.place.names("pods"):
            with self.place.outside.proxy(
                "pods", pod, 8000, "metrics", namespace=self.place.namespace
            ) as answer:
                lines = re.findall(
                    rf"^{re.escape(name)}(?:{{.*}})? (\S+)$", answer.read().decode(), re.MULTILINE
                )
            found += sum(float(value) for value in lines)
        return found

    @property
    def running(self) -> float:
        return self.metric("vllm:num_requests_running")


def chat(*, tokens: int = 20, stream: bool = True) -> dict[str, Any]:
    return {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Tell me something long."}],
        "stream": stream,
        "max_tokens": tokens,
    }


@pytest.fixture(scope="session")
def served(devcluster: Devcluster) -> Iterator[tuple[Kubernetes, str]]:
    """A namespace with two ready pods of a model that speaks 20 tokens a second, 12 sequences at once."""
    outside = Kubernetes(from_kubeconfig(devcluster.admin_kubeconfig))
    namespace = new_namespace(outside)
    common: dict[str, Any] = {"name": NAME, "namespace": namespace, "model_type": "vllm", "port": 8000}
    command = ["vllm", "serve", MODEL, "--max-num-seqs", "12"]
    speed = {"DEVCLUSTER_TOKENS_PER_SECOND": "20"}
    deployment = manifests.render(
        "model_deployment",
        **common,
        model_id=MODEL,
        image="i",
        command=command,
        replicas=2,
        environment=speed,
        min_ready_seconds=0,
    )
    for manifest in [*deployment, *manifests.render("model_service", **common, deployment=NAME)]:
        outside.create(manifest)
    until(lambda: ready(outside, namespace) == 2, seconds=60, what="two ready pods")
    yield outside, namespace
    outside.delete("deployments", NAME, namespace=namespace)


def ready(outside: Kubernetes, namespace: str) -> int:
    live = outside.get("deployments", NAME, namespace=namespace)
    slices = outside.list("endpointslices", namespace=namespace)
    behind = [endpoint for item in slices for endpoint in item.get("endpoints") or []]
    serving = sum(bool(endpoint["conditions"].get("ready")) for endpoint in behind)
    return min(int((live.get("status") or {}).get("readyReplicas", 0)), serving)


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[str]:
    """The portal under uvicorn on a free port."""
    port = free_port()
    log = Path(tmp_path_factory.mktemp("web")) / "log"
    web = ["-m", "uvicorn", "hyperpod_site.asgi:application", "--port", str(port), "--log-level", "warning"]
    with process(*web, log=log, PORTAL_MODEL_CALLS_EACH=str(CALLS_EACH)) as child:
        until(lambda: answers(port) or child.poll(), seconds=60, what="the portal to answer")
        assert child.poll() is None, log.read_text()[-3000:]
        yield f"http://127.0.0.1:{port}"


def answers(port: int) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    return False


@pytest.fixture
def web(
    transactional_db: None, devcluster: Devcluster, served: tuple[Kubernetes, str], address: str, alice: User
) -> Web:
    """Alice at the portal, whose mirror has seen the model's Service."""
    place = place_in(devcluster, *served)
    place.look()
    browser = Client()
    browser.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    cookies = {"sessionid": browser.cookies["sessionid"].value, "csrftoken": "x" * 32}
    tomorrow = timezone.now() + timedelta(days=1)
    _row, token = ApiToken.issue(user=alice, name="test", expires_at=tomorrow)
    return Web(address, place, cookies, token)
