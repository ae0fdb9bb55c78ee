"""A secret stays where it belongs: a whole running portal is given canaries, then everything is searched."""

import base64
import re
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
import yaml

from apps.gateways.connection import from_kubeconfig
from apps.gateways.kubernetes import Kubernetes
from hyperpod_site.stack.environment import REPLACEABLE
from hyperpod_site.stack.services import Valkey, throwaway_folder
from hyperpod_site.stack.stack import Stack
from tests.processes import until
from tests.smoke.people import Person

CLUSTER = ("--nodes", "2", "--gpus-per-node", "8", "--lag", "0.2", "--startup", "0.5", "--quiet")
COMMAND = "vllm serve Qwen/Qwen3-0.6B --tensor-parallel-size 1"
STARTS = (
    "/",
    "/operations/",
    "/audit/",
    "/accounts/profile/",
    "/admin/",
    "/c/demo/",
    "/c/canary/",
    "/api/docs",
)
LINK = re.compile(r'(?:href|hx-get)="(/[^"#]*)"')
MOST_PAGES = 150
KINDS = ("deployments", "replicasets", "pods", "services", "events", "configmaps")
Sources = dict[str, bytes]


def forms_of(secret: str) -> list[bytes]:
    """How a secret may be written: as it is, and inside of base64 at each of the three offsets."""
    raw = secret.encode()
    shifted = [base64.b64encode(b"x" * offset + raw)[4 if offset else 0 :] for offset in range(3)]
    return [raw, *(text[: len(text) - 6] for text in shifted)]


def found_in(sources: Sources, canaries: Mapping[str, str]) -> list[str]:
    """ "<canary> in <source>" for each place where one is found."""
    return [
        f"{name} in {place}"
        for place, content in sources.items()
        for name, secret in canaries.items()
        if any(form in content for form in forms_of(secret))
    ]


@dataclass
class Walk:
    """A running stack, what was given to it, and what it answered."""

    stack: Stack
    canaries: dict[str, str] = field(default_factory=dict)
    sources: Sources = field(default_factory=dict)

    def give(self, name: str) -> str:
        """A fresh secret, in no form that redaction would know."""
        return self.canaries.setdefault(name, f"c{secrets.token_hex(20)}")

    def keep(self, name: str, answer: Any) -> None:
        self.sources[name] = answer.content + str(answer.headers).encode()


def eavesdrop(valkey: Valkey, heard: list[bytes]) -> None:
    """Everything that any process says to Valkey: queue messages, pushes, cache."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(valkey.socket))
    client.sendall(b"MONITOR\r\n")

    def listen() -> None:
        while part := client.recv(65536):
            heard.append(part)

    threading.Thread(target=listen, daemon=True).start()


def deploy(walk: Walk, alice: Person) -> None:
    """A deployment with a HuggingFace token, one that is refused, and one through the API."""
    wish = {
        "command": COMMAND,
        "replicas": "1",
        "namespace": "default",
        "access": "cluster",
        "name": "tested",
    }
    refused = {**wish, "command": "vllm serve", "token": walk.give("refused token")}
    walk.keep("refused deploy", alice.post("/c/demo/deploy/", refused))
    answer = alice.post("/c/demo/deploy/", {**wish, "token": walk.give("HuggingFace token"), "key": "k1"})
    assert answer.status_code == 302, answer.text[:2000]
    body = {"command": COMMAND, "name": "other", "token": walk.give("API's HuggingFace token")}
    walk.keep("API deploy", alice.api("POST", "c/demo/deployments", body))
    until(lambda: not any(row["active"] for row in operations(walk)), seconds=90, what="the deployments")


def register(walk: Walk, root: Person) -> None:
    """A cluster whose server refuses the token, and a kubeconfig that is refused itself."""
    words = yaml.safe_load((walk.stack.cluster_folder / "portal.kubeconfig").read_text())
    walk.canaries["portal's own token"] = words["users"][0]["user"]["token"]
    words["users"][0]["user"]["token"] = walk.give("cluster token")
    form = {"slug": "canary", "name": "Canary", "default_namespace": "default", "active": "on", "context": ""}
    url = "/admin/clusters/cluster/add/"
    answer = root.post(url, {**form, "kubeconfig": yaml.safe_dump(words)})
    assert answer.status_code == 302, answer.text[:3000]
    words["users"][0]["user"] |= {"token": walk.give("refused kubeconfig"), "exec": {"command": "sh"}}
    walk.keep(
        "refused kubeconfig", root.post(url, {**form, "slug": "x", "kubeconfig": yaml.safe_dump(words)})
    )
    until(lambda: rows(walk, "SELECT 1 FROM live_syncstate WHERE error <> ''"), seconds=40, what="a 401")


def rows(walk: Walk, query: str) -> list[dict[str, Any]]:
    with psycopg.connect(walk.stack.environment["PORTAL_DATABASE_URL"]) as connection:
        return list(connection.cursor(row_factory=psycopg.rows.dict_row).execute(query))


def operations(walk: Walk) -> list[dict[str, Any]]:
    return rows(walk, "SELECT status IN ('queued', 'running', 'waiting') AS active FROM operations_operation")


def crawl(walk: Walk, root: Person) -> None:
    """Every page that leads from the start pages, as the one who sees everything."""
    waiting, seen = list(STARTS), set(STARTS)
    while waiting and len(seen) < MOST_PAGES:
        path = waiting.pop(0)
        answer = root.http.get(path, follow_redirects=True)
        walk.keep(f"page {path}", answer)
        links = {link.replace("&amp;", "&") for link in LINK.findall(answer.text)} - seen
        fresh = [link for link in sorted(links) if not link.startswith(("/static", "/accounts/logout"))]
        seen |= set(fresh)
        waiting += fresh


def ask_api(walk: Walk, root: Person) -> None:
    """Every GET of the API's own description that needs no more than a cluster."""
    for path, verbs in root.ask("openapi.json")["paths"].items():
        for cluster in ("demo", "canary"):
            url = path.replace("{cluster}", cluster)
            if "get" in verbs and "{" not in url:
                walk.keep(f"GET {url}", root.http.get(url))


def collect(walk: Walk, heard: list[bytes]) -> None:
    """The rest: log, database, Valkey, and what stands in the cluster (but its Secrets)."""
    walk.sources["log of all processes"] = (walk.stack.folder / "log").read_bytes()
    walk.sources["everything said to Valkey"] = b"".join(heard)
    for file in (walk.stack.folder / "data").rglob("*"):
        if file.is_file():
            walk.sources[f"file {file.name}"] = file.read_bytes()
    names = [row["name"] for row in rows(walk, TABLES)]
    with psycopg.connect(walk.stack.environment["PORTAL_DATABASE_URL"]) as connection:
        for name in names:
            with connection.cursor().copy(f'COPY "{name}" TO STDOUT') as copy:
                walk.sources[f"table {name}"] = b"".join(bytes(part) for part in copy)
    admin = Kubernetes(from_kubeconfig((walk.stack.cluster_folder / "kubeconfig").read_text()))
    kept = str(admin.list("secrets", namespace="default")).encode()
    given = {name: walk.canaries[name] for name in ("HuggingFace token", "API's HuggingFace token")}
    assert len(found_in({"Secrets": kept}, given)) == 2, "the tokens never came to where they belong"
    for kind in KINDS:
        walk.sources[f"cluster's {kind}"] = str(admin.list(kind, namespace="default")).encode()


TABLES = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"


@pytest.fixture(scope="module")
def walk() -> Iterator[Walk]:
    with pytest.MonkeyPatch.context() as environment, throwaway_folder() as folder:
        for name in REPLACEABLE:  # a stack of its own, not the tests' database
            environment.delenv(name, raising=False)
        with Stack(folder, devcluster_options=CLUSTER, with_aws=False) as stack:
            yield walked(Walk(stack))


def walked(walk: Walk) -> Walk:
    """The walk, done."""
    heard: list[bytes] = []
    eavesdrop(next(service for service in walk.stack.services if isinstance(service, Valkey)), heard)
    root, alice = Person(walk.stack.url, "root"), Person(walk.stack.url, "alice")
    deploy(walk, alice)
    register(walk, root)
    crawl(walk, root)
    ask_api(walk, root)
    collect(walk, heard)
    return walk


@pytest.mark.devcluster
@pytest.mark.xdist_group("canary")
def test_no_secret_is_found_anywhere(walk: Walk) -> None:
    size = sum(map(len, walk.sources.values()))
    print(f"{size / 1e6:.1f} MB in {len(walk.sources)} places searched for {len(walk.canaries)} canaries")
    assert found_in(walk.sources, walk.canaries) == []
    for place in (
        "log of all processes",
        "everything said to Valkey",
        "table audit_auditentry",
        "cluster's pods",
    ):
        assert walk.sources[place]
    assert len(walk.sources) > 60 and size > 300_000


@pytest.mark.devcluster
@pytest.mark.xdist_group("canary")
def test_a_secret_that_is_written_to_the_log_would_be_found(walk: Walk) -> None:
    secret = walk.canaries["cluster token"]
    for text in (f"token={secret}", base64.b64encode(f"a{secret}".encode()).decode()):
        walk.stack.log.line("sabotage", text)
        log = {"log": (walk.stack.folder / "log").read_bytes()}
        assert found_in(log, walk.canaries) == ["cluster token in log"]
