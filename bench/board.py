"""A pool's board with 200 pods: drawing it, one moved card, and what travels to an open page."""

import gc
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import orjson

from bench import far_side, visitors
from bench.ground import ground, pid_of, start_web
from bench.processes import cpu_seconds
from bench.table import Table, median, percentile, timed
from hyperpod_site.stack.stack import Stack

PODS = 200
TURNS = 20
BUSINESSES = ("production", "testing", "research", "batch")
POOL = {"app": "llm", "model": "llm", "deployment-type": "model-pool", "model-type": "vllm"}
PLACE = {"namespace": "default", "pool": "llm"}
HEADERS = ("board of 200 pods, four businesses", "p50 ms", "p95 ms", "CPU ms", "bytes", "goal, ms")
NOTE = (
    "The pods are made up, mirrored and lent, with ten minutes of load. Drawn cold: no card is remembered. "
    "A moved card: the region looks again, a card and two heads travel. CPU is of the process that draws; "
    "a loaded machine stretches the rest."
)


def meta(name: str, owner: str = "", **labels: str) -> dict[str, Any]:
    """An object's metadata; `owner` is the uid of its controller."""
    kind = "ReplicaSet" if name.startswith("llm-1-") else "Deployment"
    owners = [{"kind": kind, "name": "llm", "uid": owner, "controller": True}] if owner else []
    return {
        "name": name,
        "namespace": "default",
        "uid": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)),
        "resourceVersion": "1",
        "generation": 1,
        "labels": {**POOL, **labels},
        "annotations": {"deployment.kubernetes.io/revision": "1"},
        "ownerReferences": owners,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }


def business_of(number: int) -> str:
    """Four of five pods are lent."""
    return (*BUSINESSES, "unassigned")[number % 5]


def pod(number: int, owner: str, business: str = "") -> dict[str, Any]:
    """A Ready pod of one GPU."""
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:01:00Z"}
    container = {
        "name": "main",
        "ports": [{"containerPort": 8000}],
        "resources": {"limits": {"nvidia.com/gpu": "1"}},
    }
    return {
        "metadata": meta(f"llm-1-{number:05d}", owner, business=business or business_of(number)),
        "spec": {"nodeName": f"hyperpod-i-{number // 8:012x}", "containers": [container]},
        "status": {"phase": "Running", "startTime": "2026-01-01T00:00:00Z", "conditions": [ready]},
    }


def service(business: str) -> dict[str, Any]:
    """A business service of the pool."""
    own = {**meta(f"llm-{business}"), "labels": {"service-type": "business-service", "model": "llm"}}
    spec = {"selector": {"model": "llm", "business": business}, "ports": [{"port": 8000}]}
    return {"metadata": own, "spec": {**spec, "clusterIP": "10.0.0.1", "type": "ClusterIP"}}


def rows(kind: str, manifests: list[dict[str, Any]]) -> list[Any]:
    """As the watcher would decode and project them."""
    from apps.clusters import kinds
    from apps.live.decode import rows_of_page

    page = orjson.dumps({"metadata": {"resourceVersion": "1"}, "items": manifests})
    return list(rows_of_page(page, getattr(kinds, kind.upper()))[0])


def fill(cluster_id: int) -> str:
    """The pool in the mirror; the uid of its ReplicaSet."""
    from apps.live import mirror

    deployment = {"metadata": meta("llm"), "spec": {"replicas": PODS}, "status": {"observedGeneration": 1}}
    replicaset = {"metadata": meta("llm-1", deployment["metadata"]["uid"]), "spec": {}, "status": {}}
    owner = str(replicaset["metadata"]["uid"])
    found: Mapping[str, list[dict[str, Any]]] = {
        "deployments": [deployment],
        "replicasets": [replicaset],
        "services": [service(business) for business in BUSINESSES],
        "endpointslices": [],
        "pods": [pod(number, owner) for number in range(PODS)],
    }
    for kind, manifests in found.items():
        mirror.replace(cluster_id, kind, rows(kind, manifests), 1)
    return owner


def work(cluster_id: int, owner: str) -> None:
    """Ten minutes of load on every pod."""
    from apps.pools.load import ring

    now = int(time.time())
    samples = tuple(ring.Sample(now - 10 * ago, ago % 7, ago % 3, 0.4, 120.0) for ago in range(59, -1, -1))
    uids = [pod(number, owner)["metadata"]["uid"] for number in range(PODS)]
    ring.keep(cluster_id, {uid: ring.PodLoad(samples) for uid in uids})


def board() -> Any:
    """One look of the board's region."""
    from apps.accounts.models import User
    from apps.live.fragments import fragment_named
    from apps.live.render import render
    from apps.live.viewers import viewer_of

    seen = viewer_of(User.objects.get(username="bench-viewer"), "bench")
    return render(fragment_named("pools.board"), seen, {"cluster": "bench", **PLACE}, "board")


def forget_cards() -> None:
    """An empty memo, as after a start."""
    from apps.live import render

    render.memo = render.Memo()
    gc.collect()


class Mover:
    """Pods that change hands one after the other, and the frames that tell it."""

    def __init__(self, cluster_id: int, owner: str) -> None:
        self.cluster_id, self.owner = cluster_id, owner
        self.turn = self.largest = 0
        self.before = board()

    def move(self) -> None:
        """From a mirrored change to the frame."""
        from apps.live import frames, mirror
        from apps.live.rows import Event

        self.turn += 1
        manifest = pod(self.turn, self.owner, "batch" if business_of(self.turn) != "batch" else "testing")
        manifest["metadata"]["resourceVersion"] = str(self.turn + 1)
        mirror.apply(self.cluster_id, "pods", [Event(row) for row in rows("pods", [manifest])])
        now = board()
        sent = frames.difference("board", self.before, now)
        self.largest = max(self.largest, sum(len(frame.encode()) for frame in sent))
        self.before = now


def measure(stack: Stack, table: Table) -> None:
    """All lines of the table."""
    cluster_id = far_side.register(stack)
    visitor = visitors.viewer()
    owner = fill(cluster_id)
    work(cluster_id, owner)
    size = len(board().html().encode())
    add(table, "drawn cold, in the process", board, before=forget_cards, size=size, goal="300")
    add(table, "looked at again, cards remembered", board)
    mover = Mover(cluster_id, owner)
    add(table, "a moved card, mirrored and told", mover.move)
    table.rows[-1] = (*table.rows[-1][:-2], f"{mover.largest:,}", "")
    start_web(stack)
    address = f"{stack.url}/c/bench/pools/default/llm/"
    headers = {"Cookie": visitors.cookie_of(visitor)}

    def page() -> httpx.Response:
        return httpx.get(address, headers=headers, timeout=60).raise_for_status()

    pid = pid_of(stack, "web")
    size = len(page().content)
    add(table, "the whole page over HTTP", page, cpu=lambda: cpu_seconds(pid), size=size)


def add(
    table: Table,
    what: str,
    turn: Callable[[], object],
    *,
    before: Callable[[], None] = lambda: None,
    cpu: Callable[[], float] = time.process_time,
    size: int = 0,
    goal: str = "",
) -> None:
    """One line of TURNS turns, `before` each uncounted; `cpu`: seconds that the drawing process has used."""
    spent, used = [], 0.0
    for _turn in range(TURNS):
        before()
        begun = cpu()
        spent += timed(turn, times=1)
        used += (cpu() - begun) * 1000 / TURNS
    table.add(what, median(spent), percentile(spent, 0.95), used, f"{size:,}" if size else "", goal)


def main() -> None:
    table = Table("Board of a pool", HEADERS, note=NOTE)
    with ground("--nodes", "1", "--lag", "0", "--quiet") as stack:
        measure(stack, table)
    print(table.markdown())


if __name__ == "__main__":
    main()
