"""What benchmarks stand on: throw-away services, a migrated database, and Django in this process."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django

from hyperpod_site.stack.stack import HOST, Stack, answers

BIG = ("--nodes", "500", "--pods", os.environ.get("BENCH_PODS", "5000"), "--lag", "0", "--quiet")
SECONDS = float(os.environ.get("BENCH_SECONDS", "15"))


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
            if devcluster_options:
                stack.programs["cluster"].wait_ready(seconds=120)
            os.environ.update(stack.environment, PORTAL_DATABASE_POOL="4")
            django.setup()
            yield stack
        finally:
            stack.stop()


def start_web(stack: Stack) -> int:
    """One web process, as uvicorn serves it; its process id."""
    program = stack.add("web", stack.portal_commands()["web"])
    program.ready = lambda: answers(f"http://{HOST}:{stack.port}/healthz")
    program.wait_ready()
    return pid_of(stack, "web")


def pid_of(stack: Stack, name: str) -> int:
    """The process id of one of the stack's programs."""
    process = stack.programs[name].process
    assert process is not None
    return process.pid
