"""Scale-downs by three protocols, twelve runs each: how many lent pods the cluster's controllers delete.

Four of eight pods are lent and two are to go; the lent ones are all Ready, or two of them are NotReady, or
one is Pending. The controller ignores deletion costs, as an old one does. The columns of a real control
plane are in docs/pools.md.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

import pytest
from django.db import connections

from apps.accounts.models import User
from apps.gateways import labels
from apps.gateways.errors import NotFound
from apps.gateways.kubernetes import Kubernetes
from apps.operations.statuses import OperationStatus
from apps.pools.live_view import PodFacts
from apps.pools.scaling.detaching import detach
from tests import processes
from tests.inference.real import finish, lines
from tests.pools.scaling import (
    Losses,
    begin,
    leftovers,
    lend,
    quick_stage,
    resize,
    state_of,
    unready,
)
from tests.pools.world import Stage, World, control, make_cluster, portal
from tests.processes import Devcluster, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("columns")]
RUNS, SIZE, LENT, LEFT = 12, 8, 4, 6
KINDS = ("all Ready", "two NotReady", "one Pending")


@dataclass
class Run:
    """One pool on a node of its own, in one kind of trouble."""

    number: int
    kind: str
    world: World

    def begin_anew(self) -> None:
        """Eight free pods again, then four lent ones in trouble."""
        resize(self.world, SIZE)
        until(self.whole, seconds=60, every=0.2, what="eight pods", told=lambda: str(self.world.pods()))
        for name in self.world.names():
            with contextlib.suppress(NotFound):  # the last run's victims may just go
                self.world.relabel(name, labels.UNASSIGNED)
        lent = self.choose(Random(self.number))
        lend(self.world, lent)
        if self.kind == "two NotReady":
            unready(self.world, lent[:2])
        until(lambda: self.counted(SIZE), seconds=30, every=0.2, what="the controller to count eight")

    def choose(self, chance: Random) -> list[str]:
        """Four pods, the Pending one first if there is one."""
        pending = [pod.name for pod in self.world.pods() if pod.phase == "Pending"]
        rest = [name for name in self.world.names() if name not in pending]
        return [*pending, *chance.sample(rest, LENT - len(pending))]

    def whole(self) -> bool:
        """Eight pods, all Ready but for the one that has no room."""
        pods = self.world.pods()
        waiting = sum(pod.phase == "Pending" for pod in pods)
        ready = sum(pod.ready for pod in pods)
        return len(pods) == SIZE and waiting == (self.kind == "one Pending") and ready + waiting == SIZE

    def counted(self, size: int) -> bool:
        state = state_of(self.world)
        return state.seen and len(state.live) == size == state.counted


Protocol = Callable[[Run, User, Losses], None]


def plain(run: Run, by: User, losses: Losses) -> None:
    """What `kubectl scale` does."""
    resize(run.world, LEFT)
    losses.wait_for(SIZE - LEFT)


def loose(run: Run, by: User, losses: Losses) -> None:
    """Victims detached, and the size set once their replacements are there."""
    state = state_of(run.world)
    victims = list(state.free)[: SIZE - LEFT]
    for pod in victims:
        run.world.relabel(pod.name, labels.RETIRING)
        assert detach(run.world.outside, run.world.pod(pod.name), app=state.app, operation="0")
    until(lambda: replaced(run, victims), seconds=60, every=0.2, what="replacements")
    resize(run.world, LEFT)
    losses.wait_for(SIZE - LEFT)
    for pod in victims:
        run.world.outside.delete("pods", pod.name, namespace=run.world.namespace, grace=0)


def replaced(run: Run, victims: list[PodFacts]) -> bool:
    """Whether other pods stand in the victims' place, Ready where there is room."""
    state = state_of(run.world)
    gone = {pod.uid for pod in victims}.isdisjoint(pod.uid for pod in state.live)
    ready = run.kind == "one Pending" or all(pod.ready for pod in state.free)
    return gone and ready and len(state.live) == SIZE == state.counted


def fenced(run: Run, by: User, losses: Losses) -> None:
    """The portal's own way."""
    done = finish(begin(run.world, by, LEFT, timeout=5))
    assert done.status == OperationStatus.SUCCEEDED, (done.message, lines(done))
    until(lambda: len(state_of(run.world).live) == LEFT, what="six pods")
    assert leftovers(run.world) == []


def lost_in(run: Run, protocol: Protocol, by: User) -> int:
    """Lent pods that the controllers deleted in one run."""
    try:
        run.begin_anew()
        with Losses(run.world) as losses:
            protocol(run, by, losses)
        return len(losses.lent)
    finally:
        connections.close_all()


@pytest.fixture(scope="module")
def stages() -> Iterator[list[Stage]]:
    """Twelve pools, each on a node of its own; every third node has room for seven pods only."""
    options = ("--nodes", str(RUNS), "--gpus-per-node", "10", "--lag", "0.2", "--startup", "0.1")
    with processes.devcluster(*options) as cluster, contextlib.ExitStack():
        yield [stage_on(cluster, number) for number in range(RUNS)]


def stage_on(cluster: Devcluster, number: int) -> Stage:
    """The pool of one run."""
    name = f"run-{number}"
    outside = quick_stage(cluster, namespace="seed", replicas=0, businesses=("production",)).outside
    nodes = sorted(
        item["metadata"]["name"]
        for item in outside.list("nodes")
        if item["status"]["capacity"].get(labels.GPU)
    )
    if KINDS[number % 3] == "one Pending":
        outside.create(blocker(name, nodes[number]))
    return quick_stage(cluster, namespace=name, replicas=SIZE, businesses=("production",), node=nodes[number])


def blocker(name: str, node: str) -> dict[str, object]:
    """A pod that leaves seven GPUs of a node."""
    container = {"name": "taken", "image": "busybox", "resources": {"limits": {labels.GPU: "3"}}}
    spec = {"nodeName": node, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "seed"}, "spec": spec}


def test_only_the_fenced_detach_loses_no_lent_pod(stages: list[Stage], alice: User) -> None:
    control(stages[0].outside, "POST", {"kind": "ignore_cost"})
    runs = [run_on(number, stage) for number, stage in enumerate(stages)]
    table: dict[str, Counter[str]] = {}
    for name, protocol in (("plain scale", plain), ("detached, no fence", loose), ("fenced detach", fenced)):
        with ThreadPoolExecutor(RUNS) as threads:
            lost = list(threads.map(lost_in, runs, [protocol] * RUNS, [alice] * RUNS))
        table[name] = Counter(dict.fromkeys(KINDS, 0))
        table[name].update(run.kind for run, count in zip(runs, lost, strict=True) if count)
        for stage in stages:
            forgive(stage)
    show(table)
    assert sum(table["fenced detach"].values()) == 0
    assert sum(table["plain scale"].values()) >= 8 and sum(table["detached, no fence"].values()) >= 4


def run_on(number: int, stage: Stage) -> Run:
    """A stage with a row of the portal that leads there."""
    row = make_cluster(stage.devcluster)
    world = World(row, stage.namespace, stage.pool, Kubernetes(portal(stage.devcluster)), stage.outside)
    return Run(number, KINDS[number % 3], world)


def forgive(stage: Stage) -> None:
    """Pods that were made unready are well again."""
    for mishap in control(stage.outside, "GET", None).get("items", ()):
        if mishap["kind"] == "unready":
            stage.outside.transport.request("DELETE", f"/devcluster/mishaps/{mishap['id']}")


def show(table: dict[str, Counter[str]]) -> None:
    """Runs with a loss, of those tried."""
    each = RUNS // len(KINDS)
    print(f"\n{'runs that lost a lent pod':26}" + "".join(f"{kind:>16}" for kind in KINDS))
    for name, counts in table.items():
        print(f"{name:26}" + "".join(f"{f'{counts[kind]}/{each}':>16}" for kind in KINDS))
