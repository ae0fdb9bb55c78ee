"""What benchmarks stand on: throw-away services, a migrated database, and Django in this process."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django

from hyperpod_site.stack.stack import Stack


@contextlib.contextmanager
def ground(*devcluster_options: str) -> Iterator[Stack]:
    """Services and (with options) a development cluster; Django is set up on them. One per process."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name:
        stack = Stack(Path(name), devcluster_options=devcluster_options, with_aws=False)
        stack.own_cluster = bool(devcluster_options)
        stack.environment.update(PORTAL_LOG_LEVEL="ERROR", PORTAL_API_RATE="1000000/m")
        try:
            stack.start_far_side()
            stack.manage("migrate", "--verbosity=0")
            os.environ.update(stack.environment, PORTAL_DATABASE_POOL="4")
            django.setup()
            yield stack
        finally:
            stack.stop()
