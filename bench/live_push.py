"""How long from a change in the mirror to every open page: the Pods page at 5,000 pods, over real sockets.

`PUSH_SECONDS` sets how long each line runs. It ends by comparing every page with the database: equal, or it
fails.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.ground import ground
from bench.table import Table, percentile
from hyperpod_site.stack.stack import HOST, Stack, answers

PODS = 5000
SECONDS = float(os.environ.get("PUSH_SECONDS", "15"))
MATRIX = ((50, 10), (200, 50))
GOALS = {(50, 10): "250", (200, 50): "400"}
SETTLE = 1.5


@dataclass(frozen=True)
class Visitor:
    """A logged-in viewer and what their page follows."""

    cookie: str
    token: str
    fragment_url: str


class Clients:
    """The process that holds the open pages."""

    def __init__(self, stack: Stack, visitor: Visitor, pages: int, kind: str = "fragment") -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "bench.live_clients"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        job = {
            "url": stack.url,
            "cookie": visitor.cookie,
            "token": visitor.token,
            "pages": pages,
            "kind": kind,
        }
        self.say(json.dumps(job))
        if self._hear() != "ready":
            raise RuntimeError("the pages did not open")

    def say(self, line: str) -> None:
        """One line to the pages."""
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def end(self) -> dict[str, Any]:
        """Close the pages and hear what they saw."""
        self.say("end")
        seen: dict[str, Any] = json.loads(self._hear())
        self._child.wait(10)
        return seen

    def _hear(self) -> str:
        assert self._child.stdout is not None
        return self._child.stdout.readline().strip()


@contextmanager
def web(stack: Stack) -> Iterator[None]:
    """The web process alone: no watcher, no workers."""
    program = stack.add("web", stack.portal_commands()["web"])
    program.ready = lambda: answers(f"http://{HOST}:{stack.port}/healthz")
    program.wait_ready()
    yield


def viewer_cookie() -> str:
    """A viewer with a session, as the cookie header of a browser."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from apps.accounts.models import Grant, Role, User

    user = User.objects.create_user("bench-viewer")
    Grant.objects.create(user=user, role=Role.VIEWER)
    session = SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def raw_pod(number: int, version: int, node: str) -> dict[str, Any]:
    """A pod as the API server says it, as far as the mirror reads it."""
    name = f"qwen-{number:05d}-x7k2p"
    labels = {"app": "qwen", "model": "qwen", "business": "unassigned"}
    status = {"phase": "Running", "podIP": f"10.0.{number // 250}.{number % 250}"}
    status |= {"conditions": [{"type": "Ready", "status": "True"}]}  # type: ignore[dict-item]  # plain JSON
    meta = {"name": name, "namespace": "default", "uid": f"uid-{number}", "labels": labels}
    meta |= {"resourceVersion": str(version), "creationTimestamp": "2026-11-22T04:00:00Z"}
    limits = {"limits": {"nvidia.com/gpu": "1"}}
    container = {"name": "server", "image": "vllm", "resources": limits, "ports": [{"containerPort": 8000}]}
    return {"metadata": meta, "spec": {"nodeName": node, "containers": [container]}, "status": status}


def row(number: int, version: int, node: str) -> Any:
    """The pod as the mirror's row."""
    import msgspec

    from apps.clusters.kinds import PODS as kind
    from apps.live.decode import row_of

    return row_of(msgspec.convert(raw_pod(number, version, node), kind.struct), kind)


def prepare() -> Any:
    """A cluster with 5,000 mirrored pods."""
    from apps.clusters.models import Cluster
    from apps.live import mirror

    cluster = Cluster.objects.create(slug="bench", name="bench", server="https://127.0.0.1:1")
    mirror.replace(cluster.pk, "pods", [row(number, 1, "node") for number in range(PODS)], 1)
    return cluster


def visit(stack: Stack, cookie: str) -> Visitor:
    """Open the Pods page once and take its fragment's token from it."""
    page = httpx.get(f"{stack.url}/c/bench/pods/", headers={"Cookie": cookie}, timeout=60)
    page.raise_for_status()
    token = page.text.split('data-live="', 1)[1].split('"', 1)[0]
    return Visitor(cookie, token, f"{stack.url}/live/fragment/{token}/")


def change(cluster_id: int, rate: int, seconds: float) -> int:
    """`rate` changes a second of pods that the page shows, each its own commit. Returns how many."""
    from apps.live import mirror
    from apps.live.db import borrowed
    from apps.live.rows import Event

    begun, count = time.monotonic(), 0
    while (elapsed := time.monotonic() - begun) < seconds:
        if count > elapsed * rate:
            time.sleep(count / rate - elapsed)
        stamp = time.time_ns()
        with borrowed():
            mirror.apply(cluster_id, "pods", [Event(row(random.randrange(50), stamp // 1000, f"t{stamp}"))])
        count += 1
    return count


def shown_by_database(visitor: Visitor) -> dict[str, int]:
    """What the page would show if it were opened now: each row's stamp."""
    from bench.live_clients import read_rows

    answer = httpx.get(visitor.fragment_url, headers={"Cookie": visitor.cookie}, timeout=60)
    answer.raise_for_status()
    return read_rows(answer.text)[1]


def cpu_seconds(pid: int) -> float:
    """User and system time that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(stack: Stack, cluster_id: int, visitor: Visitor, pages: int, rate: int, table: Table) -> bool:
    """One line of the matrix. Whether every page ended equal to the database."""
    clients = Clients(stack, visitor, pages)
    process = stack.programs["web"].process
    assert process is not None
    before, begun = cpu_seconds(process.pid), time.monotonic()
    changes = change(cluster_id, rate, SECONDS)
    cores = (cpu_seconds(process.pid) - before) / (time.monotonic() - begun)
    time.sleep(SETTLE)
    seen = clients.end()
    expected = shown_by_database(visitor)
    equal = sum(page["rows"] == expected for page in seen["pages"])
    ages = seen["ages"]
    speeds = " / ".join(f"{percentile(ages, share):.0f}" for share in (0.5, 0.95, 0.99))
    table.add(
        pages, rate, changes, len(ages), speeds, GOALS[pages, rate], f"{cores:.2f}", f"{equal} of {pages}"
    )
    return bool(equal == pages)


def storm(stack: Stack, cluster_id: int, visitor: Visitor, pages: int, rate: int, table: Table) -> bool:
    """All pages go and come back within two seconds, under changes. Whether all ended equal
    to the database.
    """
    clients = Clients(stack, visitor, pages)
    clients.say("reconnect")
    changes = change(cluster_id, rate, 4)
    time.sleep(SETTLE)
    seen = clients.end()
    expected = shown_by_database(visitor)
    equal = sum(page["rows"] == expected for page in seen["pages"])
    table.add(f"{pages}, all reconnect", rate, changes, "", "", "", "", f"{equal} of {pages}")
    return bool(equal == pages)


def main() -> int:
    """Print the table; 1 when a page differed from the database."""
    age = "change to page p50 / p95 / p99 ms"
    headers = (
        "open pages",
        "changes/s",
        "changes",
        "seen",
        age,
        "goal p95",
        "web cores",
        "equal to the database",
    )
    table = Table(f"Change to page, {PODS} mirrored pods, 50 rows shown", headers)
    table.note = (
        "Pages, writer and services share the machine's cores. Changes within 200 ms travel as one frame."
    )
    with ground() as stack, web(stack):
        cluster = prepare()
        visitor = visit(stack, viewer_cookie())
        well = [measure(stack, cluster.pk, visitor, pages, rate, table) for pages, rate in MATRIX]
        well.append(storm(stack, cluster.pk, visitor, 200, 10, table))
        from apps.live import publish

        publish.flush()
    print(table.markdown())
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main())
