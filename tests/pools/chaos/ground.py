"""Where a run takes place: a development cluster of its own, one pool, the portal's processes beside it."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from apps.accounts.models import Role, User
from apps.live.models import SyncState
from apps.pools.models import Turn
from tests.builders import make_user
from tests.pools.conftest import SETTLE
from tests.pools.rolling import resume
from tests.pools.scaling import quick_stage
from tests.pools.world import World, control, world_on
from tests.processes import Devcluster, process, stop_group, until

OPTIONS = ("--nodes", "4", "--gpus-per-node", "8", "--lag", "0.2", "--startup", "0.1", "--node-grace", "3")
PORTAL = "system:serviceaccount:hyperpod-portal:hyperpod-portal"
BUSINESSES = ("production", "testing", "staging")
PEOPLE = 3


@dataclass
class Ground:
    """A world with people in it, and the processes that a run may kill."""

    devcluster: Devcluster
    world: World
    folder: Path
    people: list[User]
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    keeper: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def supervise(self) -> None:
        """Start watcher and worker where they are not alive. From the main thread: children die with the
        thread that began them.
        """
        for name in ("watcher", "worker"):
            self.start(name)

    def start(self, name: str) -> None:
        """One of them."""
        child = self.children.get(name)
        if child and child.poll() is None:
            return
        command = {"watcher": ("manage.py", "watch"), "worker": ("-m", "tests.pools.chaos.worker")}[name]
        log = self.folder / f"{name}.log"
        settings = {"PORTAL_LOG_LEVEL": "INFO", "PORTAL_DRAIN_SETTLE": str(SETTLE)}
        self.children[name] = self.keeper.enter_context(process(*command, log=log, **settings))
        Turn.objects.update(taken_until=None)  # the time of who died is up

    def kill(self, name: str) -> bool:
        """SIGKILL; False when it is not there."""
        child = self.children.get(name)
        if child is None or child.poll() is not None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(10)
        return True

    def listed(self) -> bool:
        """Whether the watcher has listed everything since it began."""
        child = self.children["watcher"]
        assert child.poll() is None, (self.folder / "watcher.log").read_text(errors="replace")[-3000:]
        states = SyncState.objects.filter(cluster_id=self.world.cluster.pk)
        return len(states) == 6 and all(state.loaded for state in states)

    def at_work(self) -> bool:
        """Whether the worker has begun."""
        return b"at work" in (self.folder / "worker.log").read_bytes()

    def close(self) -> None:
        for child in self.children.values():
            stop_group(child)
        self.keeper.close()


@contextlib.contextmanager
def ground(
    devcluster: Devcluster, folder: Path, *, replicas: int = 8, watched: bool = True
) -> Iterator[Ground]:
    """The pool as at the beginning; with `watched`, a watcher that has listed everything, and a worker."""
    stage = quick_stage(devcluster, namespace="chaos", replicas=replicas, businesses=BUSINESSES)
    resume(stage)
    stage.outside.scale("deployments", stage.pool, replicas, namespace=stage.namespace)
    world = world_on(stage)
    people = [make_user(f"person-{number}", Role.OPERATOR) for number in range(PEOPLE)]
    place = Ground(devcluster, world, folder, people)
    try:
        if watched:
            place.supervise()
            until(place.listed, seconds=60, what="the watcher to list everything")
            until(place.at_work, seconds=60, what="the worker to begin")
        yield place
    finally:
        place.close()
        control(world.outside, "DELETE", None)
