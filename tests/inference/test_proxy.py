"""Calling models through the portal's own web server: streams, tricks with paths, callers that hang up."""

import asyncio
import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import Client

from apps.accounts.models import User
from apps.gateways import manifests
from apps.gateways.connection import from_kubeconfig
from apps.gateways.kubernetes import Kubernetes
from tests.inference.real import Place, new_namespace, place_in
from tests.processes import Devcluster, free_port, process, until

pytestmark = [
    pytest.mark.xdist_group("model-calls"),
    pytest.mark.devcluster,
    pytest.mark.django_db(transaction=True),
]
NAME = "served"
MODEL = "Qwen/Qwen3-0.6B"


@dataclass
class Web:
    """The portal under uvicorn, and the model that it leads to."""

    address: str
    place: Place
    cookies: dict[str, str]

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


def words_of(page: bytes) -> str:
    """What a page says, without its markup."""
    main = page.decode().rpartition("<main")[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", main)).strip()[:500]


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[str]:
    """The portal under uvicorn on a free port."""
    port = free_port()
    log = Path(tmp_path_factory.mktemp("web")) / "log"
    web = ["-m", "uvicorn", "hyperpod_site.asgi:application", "--port", str(port), "--log-level", "warning"]
    with process(*web, log=log) as child:
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
    return Web(address, place, cookies)


async def test_a_chat_streams_token_by_token(web: Web) -> None:
    async with web.client() as client, client.stream("POST", web.url(), json=chat(tokens=20)) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["X-Served-By"] in web.place.names("pods")
        arrivals = [time.monotonic() async for line in answer.aiter_lines() if line.startswith("data: {")]
    assert len(arrivals) >= 20
    assert arrivals[-1] - arrivals[0] > 0.4, "it came in pieces, not at the end"


async def test_get_and_whole_answers_pass(web: Web) -> None:
    async with web.client() as client:
        models = (await client.get(web.url("v1/models"))).json()
        whole = (await client.post(web.url(), json=chat(tokens=3, stream=False))).json()
    assert models["data"][0]["id"] == MODEL
    assert whole["system_fingerprint"] in web.place.names("pods")


async def test_twenty_streams_run_at_once(web: Web) -> None:
    async def one(client: httpx.AsyncClient) -> tuple[float, float, str]:
        async with client.stream("POST", web.url(), json=chat(tokens=40)) as answer:
            assert answer.status_code == 200, words_of(await answer.aread())
            chunks = [(time.monotonic(), chunk) async for chunk in answer.aiter_bytes()]
        return chunks[0][0], chunks[-1][0], b"".join(chunk for _at, chunk in chunks).decode()

    async with web.client() as client:
        streams = await asyncio.gather(*(one(client) for _ in range(20)))
    whole = sum("data: [DONE]" in text for _first, _last, text in streams)
    most = max(sum(first <= at <= last for first, last, _text in streams) for at, _last, _text in streams)
    print(f"streams: {whole} of 20 whole, at most {most} at the same moment")
    assert whole == 20, [text[-200:] for _first, _last, text in streams if "data: [DONE]" not in text]
    assert most >= 8


async def test_hanging_up_frees_the_model_at_once(web: Web) -> None:
    async with web.client() as client:
        async with client.stream("POST", web.url(), json=chat(tokens=4000)) as answer:
            chunks = answer.aiter_bytes()
            await anext(chunks)
            await asyncio.to_thread(until, lambda: web.running == 1, seconds=15, what="the model to work")
        left = time.monotonic()
        await asyncio.to_thread(until, lambda: web.running == 0, seconds=15, what="the slot to be free")
        print(f"slot free {time.monotonic() - left:.2f} s after the caller left")


async def test_hanging_up_before_the_answer_begins_frees_the_model_too(web: Web) -> None:
    async with web.client() as client:
        asked = asyncio.create_task(client.post(web.url(), json=chat(tokens=4000, stream=False)))
        await asyncio.to_thread(until, lambda: web.running == 1, seconds=15, what="the model to work")
        asked.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asked
        await asyncio.to_thread(until, lambda: web.running == 0, seconds=15, what="the slot to be free")


async def test_refusals_of_the_model_come_through_as_they_are(web: Web) -> None:
    async with web.client() as client:
        unknown = await client.post(web.url(), json=chat() | {"model": "nobody"})
        nowhere = await client.get(web.url("v1/nothing"))
    assert (unknown.status_code, nowhere.status_code) == (404, 404)
    assert "nobody" in unknown.text


TRICKS = [
    "../../../../../../api/v1/namespaces/kube-system/secrets",
    "%2e%2e/%2e%2e/%2e%2e/%2e%2e/api/v1/secrets",
    "%2e%2e%2f%2e%2e%2fsecrets",
    "..%2f..%2fsecrets",
    "%252e%252e%252fsecrets",
    "v1/%2e%2e/%2e%2e/%2e%2e/x",
    "v1/..%5c..%5cx",
    "v1/models%00",
    "%2f%2f169.254.169.254/latest/meta-data",
    "v1/models%0d%0aHost:%20evil",
]


@pytest.mark.parametrize("path", TRICKS)
async def test_paths_that_lead_elsewhere_are_refused(web: Web, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(web.address.rsplit(":", 1)[1]))
    target = web.url(path).removeprefix(web.address)
    cookies = "; ".join(f"{name}={value}" for name, value in web.cookies.items())
    writer.write(
        f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\nConnection: close\r\n\r\n".encode()
    )
    answer = (await reader.read()).decode(errors="replace")
    writer.close()
    assert int(answer.split()[1]) in (302, 404, 422), answer[:300]
    assert "x-served-by" not in answer.lower()


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("POST", b"not json", 422),
        ("POST", b"", 422),
        ("POST", b"\xff\xfe", 422),
        ("PUT", b"{}", 405),
        ("DELETE", b"", 405),
        ("POST", b'{"a": "' + b"x" * 2_000_000 + b'"}', 413),
    ],
)
async def test_what_is_no_request_of_a_model_is_refused(
    web: Web, method: str, body: bytes, status: int
) -> None:
    async with web.client() as client:
        answer = await client.request(
            method, web.url(), content=body, headers={"Content-Type": "application/json"}
        )
    assert answer.status_code == status


async def test_nobody_calls_without_a_csrf_token_or_a_login(web: Web) -> None:
    async with httpx.AsyncClient(cookies=web.cookies) as client:
        assert (await client.post(web.url(), json=chat())).status_code == 403
    async with httpx.AsyncClient() as client:
        assert (await client.get(web.url("v1/models"))).status_code == 302


async def test_a_service_that_the_mirror_does_not_know_is_not_called(web: Web) -> None:
    async with web.client() as client:
        assert (await client.get(web.url("v1/models", service="kubernetes"))).status_code == 404


async def test_nothing_of_the_portals_own_goes_out_and_nothing_unexpected_comes_back(web: Web) -> None:
    async with web.client() as client:
        answer = await client.get(web.url("v1/models"))
    passed = {name.lower() for name in answer.headers}
    assert "server" not in passed or answer.headers["server"] != "devcluster"
    assert "set-cookie" not in passed or "sessionid" in answer.headers["set-cookie"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_api_answers_as_json_with_the_pods_name(web: Web) -> None:
    body = {"service": NAME, "path": "/v1/chat/completions", "payload": chat(tokens=3, stream=False)}
    address = f"{web.address}/api/proxy-request?cluster={web.place.cluster.slug}"
    headers = {"X-CSRFToken": web.cookies["csrftoken"]}
    answer = httpx.post(address, json=body, cookies=web.cookies, headers=headers, timeout=30).json()
    assert (answer["success"], answer["status"], answer["isText"]) == (True, 200, False)
    assert answer["servedBy"] == answer["data"]["system_fingerprint"]
