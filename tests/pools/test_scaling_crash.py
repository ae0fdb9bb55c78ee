"""A scale-down whose worker is killed at any step: gone on with, or healed by the sweep; lent pods stay."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.gateways import labels
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from apps.pools.scaling.names import fence_name, is_detached
from apps.pools.scaling.sweeping import sweep_cluster
from hyperpod_site.stack.services import die_with_parent
from tests import processes
from tests.inference.real import finish, lines
from tests.pools.scaling import Losses, begin, classify, leftovers, lend, settled, state_of
from tests.pools.world import Stage, World, make_stage, world_on
from tests.processes import PROJECT, Devcluster, stop_group, until

SIZE = 4
PARENT = """
import os, signal, sys, django
django.setup()
from apps.operations.models import Operation
from tests.inference.real import finish
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    if not (child := os.fork()):
        finish(Operation.objects.get(pk=int(line)))
        os._exit(0)
    print(child, flush=True)
"""


class Workers:
    """Worker processes, each forked from one that has loaded everything, so that it is at work at once."""

    def __init__(self) -> None:
        self.parent = subprocess.Popen(
            [sys.executable, "-c", PARENT],
            cwd=PROJECT,
            env=processes.test_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )

    def start(self, operation: Operation) -> int:
        """The pid of a new worker that runs the operation."""
        assert self.parent.stdin and self.parent.stdout
        print(operation.pk, file=self.parent.stdin, flush=True)
        return int(self.parent.stdout.readline())


@pytest.fixture(scope="module")
def workers(django_db_setup: None) -> Iterator[Workers]:
    made = Workers()
    yield made
    stop_group(made.parent)


def fenced(world: World) -> bool:
    quotas = world.outside.list("resourcequotas", namespace=world.namespace)
    return any(item["metadata"]["name"] == fence_name(world.pool) for item in quotas)


STEPS: dict[str, Callable[[World], bool]] = {
    "marked": lambda world: bool(state_of(world).mark),
    "chosen": lambda world: any(pod.business == labels.RETIRING for pod in world.pods()),
    "fenced": fenced,
    "detached": lambda world: any(is_detached(pod) for pod in world.pods()),
    "sized": lambda world: state_of(world).replicas == SIZE - 1,
    "deleting": lambda world: (
        state_of(world).replicas == SIZE - 1 and not any(map(is_detached, world.pods()))
    ),
}


@pytest.fixture(scope="module")
def four(devcluster: Devcluster) -> Iterator[Stage]:
    stage = make_stage(devcluster, replicas=SIZE)
    classify(stage)
    yield stage
    stage.drop()


@pytest.fixture
def pool(transactional_db: None, four: Stage) -> World:
    four.outside.scale("deployments", four.pool, SIZE, namespace=four.namespace)
    world = world_on(four)
    lend(world, world.names()[:2])
    return world


def killed_when(workers: Workers, world: World, operation: Operation, seen: Callable[[World], bool]) -> None:
    """A real worker process, killed as soon as the cluster shows the step."""
    worker = workers.start(operation)
    until(lambda: seen(world), seconds=60, every=0.01, what="the step to be seen")
    os.kill(worker, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{worker}").exists(), what="its end")


def given_back(operation: Operation) -> None:
    """What the sweeper of operations does when the lease has run out."""
    Operation.objects.filter(pk=operation.pk, status=OperationStatus.RUNNING).update(
        status=OperationStatus.QUEUED, lease_until=None
    )
    operation.refresh_from_db()


@pytest.mark.parametrize("step", STEPS)
def test_another_worker_goes_on(step: str, pool: World, alice: User, workers: Workers) -> None:
    lent = {pod.name for pod in pool.pods() if pod.business == "production"}
    operation = begin(pool, alice, SIZE - 1, timeout=5)
    with Losses(pool) as losses:
        killed_when(workers, pool, operation, STEPS[step])
        given_back(operation)
        done = finish(operation)
        assert done.status == OperationStatus.SUCCEEDED, (done.message, lines(done))
        settled(pool, SIZE - 1)
    assert (losses.lent, leftovers(pool)) == ([], []) and lent <= set(pool.names())


@pytest.mark.parametrize("step", STEPS)
def test_the_sweep_heals_when_nobody_goes_on(step: str, pool: World, alice: User, workers: Workers) -> None:
    lent = {pod.name for pod in pool.pods() if pod.business == "production"}
    operation = begin(pool, alice, SIZE - 1, timeout=5)
    with Losses(pool) as losses:
        killed_when(workers, pool, operation, STEPS[step])
        sweep(pool)
        assert leftovers(pool) or step == "deleting", "an operation at work is left alone"
        Operation.objects.filter(pk=operation.pk).update(status=OperationStatus.LOST)
        until(lambda: healed(pool), seconds=30, every=0.2, what="the sweep to heal")
        settled(pool, state_of(pool).replicas)
    assert losses.lent == [] and lent <= set(pool.names())


def sweep(pool: World) -> None:
    sweep_cluster(pool.cluster.pk, pool.portal)


def healed(pool: World) -> bool:
    sweep(pool)
    return not leftovers(pool)
