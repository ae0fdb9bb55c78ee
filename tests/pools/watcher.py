"""`manage.py watch` beside a test: what went wrong in it is said, not waited for."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.live.models import SyncState
from tests.pools.world import World
from tests.processes import process, until


@contextmanager
def watching(world: World, folder: Path) -> Iterator[World]:
    """The world with a real watcher that has listed everything."""
    log = folder / "watch.log"
    with process("manage.py", "watch", log=log) as child:
        until(lambda: listed(world, child, log), seconds=60, what="the watcher to list everything")
        until(lambda: world.held().count() == 4, what="the first intervals")
        yield world


def listed(world: World, child: subprocess.Popen[bytes], log: Path) -> bool:
    assert child.poll() is None, log.read_text(errors="replace")[-3000:]
    states = SyncState.objects.filter(cluster_id=world.cluster.pk)
    return len(states) == 6 and all(state.loaded for state in states)
