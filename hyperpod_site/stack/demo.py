"""`make demo`: the whole portal with a living cluster, until Ctrl-C."""

import signal
import sys
import threading
import time
from typing import Any

from hyperpod_site.stack.folder import run_folder
from hyperpod_site.stack.programs import PROJECT
from hyperpod_site.stack.services import ServiceFailed
from hyperpod_site.stack.stack import Stack

WANTED_PORT = 8000
PASSWORD = "demo-password"  # noqa: S105 (seed_demo sets it; the demo listens on loopback only)
BANNER = """
  HyperPod Portal is ready:  {url}      (started in {seconds:.0f} s)

    admin      root    {password}
    operator   alice   {password}
    viewer     bob     {password}

  Ctrl-C stops everything; `make demo-reset` forgets the data. All lines: {log}
"""


def demo() -> int:
    """Run the demo. Returns the exit code."""
    began = time.monotonic()
    for how in (signal.SIGINT, signal.SIGTERM):  # a shell starts background jobs with SIGINT ignored
        signal.signal(how, interrupt)
    stack = Stack(run_folder(PROJECT), port=WANTED_PORT, durable=True, echo=sys.stdout)
    try:
        with stack:
            threading.Thread(target=living_cluster, args=(stack,), daemon=True).start()
            print(
                BANNER.format(
                    url=stack.url,
                    seconds=time.monotonic() - began,
                    password=PASSWORD,
                    log=stack.folder / "log",
                )
            )
            stack.watch()
    except KeyboardInterrupt:
        print("\nStopped.")
    except ServiceFailed as failure:
        print(f"The demo could not start: {failure}", file=sys.stderr)
        return 1
    return 0


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def living_cluster(stack: Stack) -> None:
    """Deploy the demo's models and pools, by the same actions as people do."""
    if not stack.own_cluster:
        return
    try:
        stack.manage("seed_demo", "--workloads", "--kubeconfig", str(stack.kubeconfig))
    except ServiceFailed as failure:
        stack.log.line("seed", str(failure))
