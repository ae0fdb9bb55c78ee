"""The real web server on real sockets: bodies of 10 MB, paths that try to leave, heads that make no sense."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from django.test import Client

from apps.accounts.models import User
from apps.gateways import manifests
from apps.gateways.connection import from_kubeconfig
from apps.gateways.kubernetes import Kubernetes
from tests.bad_input.hostile import leaks
from tests.inference.real import Place, new_namespace, place_in
from tests.processes import Devcluster, free_port, process, until

pytestmark = [
    pytest.mark.devcluster,
    pytest.mark.xdist_group("bad-http"),
    pytest.mark.django_db(transaction=True),
]
MB = 1024 * 1024
ROUTES = [
    "/accounts/login/",
    "/c/{slug}/deploy/",
    "/c/{slug}/services/{namespace}/served/proxy/v1/chat/completions",
    "/api/deploy",
    "/api/assign-pod",
    "/api/c/{slug}/proxy-request",
    "/nowhere",
]

TRICKS = [
    "..",
    "../",
    "../../",
    "../../../../../../api/v1/namespaces/kube-system/secrets",
    "/../x",
    "//evil.example/x",
    "%2e%2e",
    "%2e%2e/",
    "%2e%2e/%2e%2e/secrets",
    "%2e%2e%2f",
    "%2e%2e%2f%2e%2e%2fsecrets",
    "%2E%2E%2Fsecrets",
    "..%2f",
    "..%2f..%2fsecrets",
    "..%5c..%5csecrets",
    "%2e.%2fsecrets",
    ".%2e/secrets",
    "v1/../../secrets",
    "v1/%2e%2e/%2e%2e/x",
    "v1/..%2f..%2fx",
    "v1/.%2e%2fx",
    "v1/%2e/x",
    "v1/./models",
    "%252e%252e%252fsecrets",
    "%25252e%25252e%25252f",
    "..%252f..%252f",
    "%c0%ae%c0%ae%c0%af",
    "%e0%80%ae%e0%80%ae/",
    "%uff0e%uff0e/",
    "..;/..;/x",
    "v1/models;../../x",
    "v1/models%00",
    "%00",
    "v1/models%0d%0aHost:%20evil",
    "v1/models%0a",
    "%2f%2f169.254.169.254/latest/meta-data",
    "http:%2f%2f169.254.169.254/",
    "https://169.254.169.254/",
    "@evil.example/",
    "%5c%5cevil%5cshare",
    "v1/models%3f/../../x",
    "v1/models%23/../../x",
    "v1//..//..//x",
    "%2e%2e%2fproxy%2f",
    "..%2f..%2fpods%2fx:8000%2fproxy%2fmetrics",
    "..%2fserved:9999%2fproxy%2f",
    "%ef%bc%8e%ef%bc%8e%ef%bc%8fx",
]


@dataclass
class Web:
    """The portal under uvicorn, and Alice's cookies."""

    port: int
    place: Place
    cookies: dict[str, str]

    @property
    def proxy(self) -> str:
        return f"/c/{self.place.cluster.slug}/services/{self.place.namespace}/served/proxy/"

    def route(self, path: str) -> str:
        return path.format(slug=self.place.cluster.slug, namespace=self.place.namespace)

    def client(self) -> httpx.AsyncClient:
        headers = {"X-CSRFToken": self.cookies["csrftoken"]}
        address = f"http://127.0.0.1:{self.port}"
        return httpx.AsyncClient(base_url=address, cookies=self.cookies, headers=headers, timeout=60)

    async def raw(self, head: str) -> str:
        """Send these very bytes; the whole answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(head.encode())
        answer = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        return answer.decode(errors="replace")

    async def get(self, target: str) -> str:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return await self.raw(
            f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\nConnection: close\r\n\r\n"
        )


@pytest.fixture(scope="module")
def served(devcluster: Devcluster) -> Iterator[tuple[Kubernetes, str]]:
    """A namespace with one ready pod of a model and its Service."""
    outside = Kubernetes(from_kubeconfig(devcluster.admin_kubeconfig))
    namespace = new_namespace(outside)
    common = {"name": "served", "namespace": namespace, "model_type": "vllm", "port": 8000}
    command = ["vllm", "serve", "Qwen/Qwen3-0.6B"]
    wish = {
        "model_id": "Qwen/Qwen3-0.6B",
        "image": "i",
        "command": command,
        "replicas": 1,
        "min_ready_seconds": 0,
    }
    for manifest in manifests.render("model_deployment", **common, **wish):
        outside.create(manifest)
    for manifest in manifests.render("model_service", **common, deployment="served"):
        outside.create(manifest)
    until(lambda: ready(outside, namespace), seconds=60, what="a ready pod")
    yield outside, namespace
    outside.delete("deployments", "served", namespace=namespace)


def ready(outside: Kubernetes, namespace: str) -> bool:
    slices = outside.list("endpointslices", namespace=namespace)
    return any(end["conditions"].get("ready") for item in slices for end in item.get("endpoints") or [])


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[int]:
    """The portal under uvicorn on a free port."""
    number, log = free_port(), Path(tmp_path_factory.mktemp("web")) / "log"
    command = [
        "-m",
        "uvicorn",
        "hyperpod_site.asgi:application",
        "--port",
        str(number),
        "--log-level",
        "warning",
    ]
    with process(*command, log=log) as child:
        until(lambda: answers(number) or child.poll(), seconds=60, what="the portal to answer")
        assert child.poll() is None, log.read_text()[-3000:]
        yield number


def answers(number: int) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{number}/healthz").status_code < 600
    return False


@pytest.fixture
def web(
    transactional_db: None, devcluster: Devcluster, served: tuple[Kubernetes, str], port: int, alice: User
) -> Web:
    place = place_in(devcluster, *served)
    place.look()
    browser = Client()
    browser.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    return Web(port, place, {"sessionid": browser.cookies["sessionid"].value, "csrftoken": "x" * 32})


async def pieces() -> AsyncIterator[bytes]:
    for _number in range(160):
        yield b"x" * (MB // 16)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
async def test_ten_megabytes_are_refused(web: Web, route: str, chunked: bool) -> None:
    async with web.client() as client:
        headers = {"Content-Type": "application/json"}
        body = pieces() if chunked else b"x" * 10 * MB
        answer = await client.post(web.route(route), content=body, headers=headers)
        after = await client.get("/healthz")
    assert (answer.status_code, after.status_code) == (413, 200)
    assert "too large" in answer.text and not leaks(answer.text)
    if route.startswith("/api/"):
        assert (
            answer.headers["Content-Type"] == "application/problem+json" and answer.json()["success"] is False
        )


async def test_no_path_leads_out_of_the_models_own_server(web: Web) -> None:
    honest = await web.get(f"{web.proxy}v1/models")
    assert " 200 " in honest.split("\r\n")[0] and "x-served-by" in honest.lower()
    seen: dict[int, int] = {}
    for trick in TRICKS:
        answer = await web.get(f"{web.proxy}{trick}")
        status = int(answer.split()[1])
        seen[status] = seen.get(status, 0) + 1
        assert status in (301, 302, 400, 404, 422), (trick, answer[:300])
        assert not leaks(answer) and "SecretList" not in answer and "evil" not in answer.split("\r\n\r\n")[0]
    print(f"{len(TRICKS)} tricks with paths: {seen}")
    assert len(TRICKS) >= 30


async def test_nor_does_the_apis_own_call(web: Web) -> None:
    address = f"/api/c/{web.place.cluster.slug}/proxy-request"
    async with web.client() as client:
        for trick in TRICKS:
            body = {
                "service": "served",
                "namespace": web.place.namespace,
                "path": f"/{trick}",
                "method": "GET",
            }
            answer = await client.post(address, json=body)
            inside = answer.json() if answer.status_code == 200 else {}
            assert answer.status_code in (404, 422) or inside["status"] == 404, (trick, answer.text[:300])
            assert "SecretList" not in answer.text and not leaks(answer.text)


HEADS = (
    "GET / HTTP/1.1\r\nHost: evil.example\r\n",
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n",
    "POST /api/deploy HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ten\r\n",
    "POST /api/deploy HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999999999\r\n",
    "POST /api/deploy HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
    "GET /%00 HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    "GET /api/pods?cluster=%00 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \x00\r\n",
    "GET /api/pods HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer <script>\r\n",
    "GET /api/pods HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: sessionid=%00; sessionid=../../x\r\n",
    "GET http://169.254.169.254/ HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    "BREW /api/pods HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    "nonsense\r\n",
)


@pytest.mark.parametrize("head", HEADS)
async def test_a_head_that_makes_no_sense_is_refused(web: Web, head: str) -> None:
    answer = await web.raw(f"{head}Connection: close\r\n\r\n")
    assert answer.split()[1] in ("302", "400", "401", "404", "405", "413"), answer[:300]
    assert not leaks(answer) and "<script>" not in answer.split("\r\n\r\n", 1)[1].replace("<script src", "")
