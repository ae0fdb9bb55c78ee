"""What `python -m devcluster` can be told."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

DEFAULT_RBAC = Path(__file__).resolve().parent.parent / "deploy" / "rbac.yaml"


@dataclass(frozen=True)
class Options:
    """Settings of one development cluster; seconds are real ones unless a test steps the clock."""

    host: str = "127.0.0.1"
    port: int = 0
    dir: Path = Path()
    seed: int = 1
    nodes: int = 4
    gpus_per_node: int = 8
    lag: float = 2.0
    startup: float = 2.0
    pods: int = 0
    rbac: Path = DEFAULT_RBAC
    tokens: Path | None = None
    quiet: bool = False
    gpu_taint: bool = False
    node_grace: float = 40.0
    load_balancer: float = 3.0


def parse(arguments: list[str] | None = None) -> Options:
    """The command line as Options; without --dir a fresh folder in the system's temp folder is used."""
    parser = argparse.ArgumentParser(
        "python -m devcluster", description="A small Kubernetes for development."
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    add("--dir", type=Path, default=None, help="where kubeconfigs and the ready file are written")
    add("--seed", type=int, default=1, help="seed of everything random")
    add("--nodes", type=int, default=4, help="GPU nodes")
    add("--gpus-per-node", type=int, default=8, help="GPUs of each of them")
    add("--lag", type=float, default=2.0, help="the most seconds a controller's view lags behind")
    add("--startup", type=float, default=2.0, help="seconds a model server takes to load")
    add("--pods", type=int, default=0, help="fill the cluster with this many pods that run nothing")
    add("--rbac", type=Path, default=DEFAULT_RBAC, help="manifest with the portal's service account and role")
    add(
        "--tokens",
        type=Path,
        default=None,
        help="more users: lines of token,user,uid,groups as kube-apiserver reads",
    )
    add("--gpu-taint", action="store_true", help="taint GPU nodes with nvidia.com/gpu=present:NoSchedule")
    add("--node-grace", type=float, default=40.0, help="seconds without heartbeat until a node is NotReady")
    add("--load-balancer", type=float, default=3.0, help="seconds until a load balancer has its address")
    add("--quiet", action="store_true", help="print nothing but errors")
    values = vars(parser.parse_args(arguments))
    values["dir"] = (values["dir"] or Path(tempfile.mkdtemp(prefix="devcluster-"))).resolve()
    return Options(**values)
