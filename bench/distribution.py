"""Planning a distribution: the arithmetic alone, and with everything that is asked of a cluster for it."""

import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from functools import partial

from apps.gateways import labels, manifests
from apps.gateways.kubernetes import Kubernetes
from apps.gateways.labels import UNASSIGNED
from apps.pools.distribution.planner import Piece, plan
from apps.pools.distribution.ratios import Ratios, targets
from bench import far_side
from bench.ground import ground
from bench.table import Table, percentile, timed

SIZES = (20, 200, 1000)
NAMES = ("batch", "production", "staging", "testing", UNASSIGNED)
ROUNDS = 50
GOAL = {200: 100.0}
PODS = 200
CLUSTER = ("--nodes", "25", "--gpus-per-node", "8", "--lag", "0", "--startup", "0.2", "--quiet")
PATIENCE = 120.0
TITLE = "Plan of a distribution"
NOTE = (
    "Five names in unequal parts, some pods not Ready, some on nodes that take no new work. Asked of a "
    "cluster: the preview of a pool of engines on the development cluster, over HTTPS, its look included. "
    "CPU is of the process that plans; a loaded machine stretches the rest."
)


def pool(size: int, chance: random.Random) -> list[Piece]:
    """Pods of four businesses and the stock; one of ten is not Ready, one of twenty on a closed node."""
    return [
        Piece(f"pod-{number:04}", chance.choice(NAMES), chance.random() > 0.1, chance.random() > 0.05)
        for number in range(size)
    ]


def planned(pieces: list[Piece]) -> int:
    """Share them out 4:3:2:1 with a part for the stock. Returns the number of moves."""
    held = Counter(piece.business for piece in pieces)
    serving = Counter(piece.business for piece in pieces if piece.ready)
    ratios = Ratios({name: Fraction(5 - rank) for rank, name in enumerate(NAMES)}, UNASSIGNED)
    floors = {name: min(1, serving[name]) for name in NAMES if name != UNASSIGNED}
    return len(plan(pieces, targets(len(pieces), ratios, floors=floors, held=held), floors))


def arithmetic(table: Table) -> None:
    """A line per size of a pool that is made up."""
    for size in SIZES:
        pieces = pool(size, random.Random(size))
        add(table, f"{size} pods, alone", partial(planned, pieces), GOAL.get(size, "–"))


def add(table: Table, what: str, turn: Callable[[], int], goal: object) -> None:
    """One line of ROUNDS turns, each of which returns its number of moves."""
    moves, begun = turn(), time.process_time()
    spent = timed(turn, times=ROUNDS)
    used = (time.process_time() - begun) * 1000 / ROUNDS
    table.add(what, moves, percentile(spent, 0.5), percentile(spent, 0.95), used, goal)


def deploy(cluster: Kubernetes) -> None:
    """A pool of engines with four businesses, its pods lent by chance."""
    values = {"model_type": "vllm", "model_id": "m", "image": "vllm/vllm-openai:v0.11.0", "replicas": PODS}
    command = ["vllm", "serve", "m", "--port", "8000"]
    own = {"name": "llm", "namespace": "default", "command": command, "min_ready_seconds": 0, **values}
    made = manifests.render("model_pool", **own)
    for tag in NAMES[:-1]:
        service = {"name": f"llm-{tag}", "namespace": "default", "pool": "llm", "business": tag, "port": 8000}
        made += manifests.render("business_service", **service)
    for item in made:
        cluster.create(item)
    chance = random.Random(PODS)
    for name in ready(cluster):
        change = {"metadata": {"labels": {labels.BUSINESS: chance.choice(NAMES)}}}
        cluster.patch_merge("pods", name, change, namespace="default")


def ready(cluster: Kubernetes) -> list[str]:
    """The names of all pods, once they are Ready. TimeoutError when that takes too long."""
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE:
        found = cluster.get("deployments", "llm", namespace="default").get("status") or {}
        if found.get("readyReplicas") == PODS:
            pods = cluster.list("pods", namespace="default", label_selector=labels.selector({"app": "llm"}))
            return [pod["metadata"]["name"] for pod in pods]
        time.sleep(0.2)
    raise TimeoutError("the pool did not become Ready")


def asked(table: Table, cluster_id: int) -> None:
    """The line of a plan that rests on the cluster's answers."""
    from apps.clusters.connections import connect
    from apps.pools.distribution.plan import make
    from apps.pools.distribution.wanted import Wanted
    from apps.pools.handover.records import record_of

    kubernetes, record = connect(cluster_id).kubernetes, record_of(cluster_id, "default", "llm")
    wanted = Wanted({name: 5 - rank for rank, name in enumerate(NAMES)})
    add(
        table,
        f"{PODS} pods, asked of a cluster",
        lambda: len(make(kubernetes, record, wanted).moves),
        GOAL[PODS],
    )


def main() -> int:
    table = Table(TITLE, ("pool", "moves", "p50 ms", "p95 ms", "CPU ms", "goal ms"), note=NOTE)
    arithmetic(table)
    with ground(*CLUSTER) as stack:
        deploy(far_side.administrator(stack))
        asked(table, far_side.register(stack))
    print(table.markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
