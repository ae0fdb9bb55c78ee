"""The kubeconfig files through which people and the portal reach the cluster."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml

CLUSTER = "devcluster"


def write(path: Path, *, server: str, ca: str, user: str, token: str, namespace: str = "default") -> None:
    """One cluster, one user with a token, one context; readable by its owner only."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": CLUSTER, "cluster": {"server": server, "certificate-authority-data": _encoded(ca)}}
        ],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [
            {"name": CLUSTER, "context": {"cluster": CLUSTER, "user": user, "namespace": namespace}}
        ],
        "current-context": CLUSTER,
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config, sort_keys=False))


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
