"""The process: its files, its end, and what it says when it is asked to stop with a watch open."""

from __future__ import annotations

import json
import signal
import stat
import time
from pathlib import Path

from tests import processes
from tests.devcluster.client import Client

PATIENCE = 15


def test_its_files_are_whole_and_private(devcluster: processes.Devcluster) -> None:
    ready = json.loads((devcluster.folder / "ready").read_text())
    assert ready["server"] == devcluster.server
    for name in ("kubeconfig", "portal.kubeconfig", "server.key"):
        assert stat.S_IMODE((devcluster.folder / name).stat().st_mode) == 0o600


def test_it_stops_at_once_with_a_watch_open(tmp_path: Path) -> None:
    with processes.process("-m", "devcluster", "--dir", str(tmp_path), "--quiet") as child:
        processes.until(lambda: processes.ready(tmp_path, child), seconds=60)
        client = Client(tmp_path / "kubeconfig")
        with client.watch("/api/v1/nodes?watch=1&resourceVersion=0&timeoutSeconds=300") as events:
            assert next(events)["type"] == "ADDED"
            began = time.monotonic()
            child.send_signal(signal.SIGTERM)
            assert child.wait(PATIENCE) == 0
    assert time.monotonic() - began < PATIENCE
    assert not (tmp_path / "ready").exists()


def test_more_users_come_from_a_token_file(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.csv"
    tokens.write_text('reader-token,reader,1,"readers,others"\n')
    with processes.devcluster("--tokens", str(tokens)) as running:
        reader = Client(running.folder / "kubeconfig", token="reader-token")
        assert 'User "reader" cannot list' in reader.ask("GET", "/api/v1/pods").json()["message"]


def test_requests_are_counted_by_verb_and_resource(admin: Client, namespace: str) -> None:
    before = admin.get("/devcluster/stats")["requests"].get("list endpointslices", 0)
    for _ in range(3):
        admin.get(f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices")
    assert admin.get("/devcluster/stats")["requests"]["list endpointslices"] >= before + 3
