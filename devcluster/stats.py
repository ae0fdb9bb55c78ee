"""Counters of the development cluster: requests by verb and resource, open watches, memory."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

from devcluster.resources import REGISTRY
from devcluster.store import Store

Json = dict[str, Any]


def resident_bytes() -> int:
    """This process's memory, as the kernel counts it; 0 where there is no /proc."""
    path = Path("/proc/self/statm")
    if not path.exists():
        return 0
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Stats:
    """Counted since the start of the process."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.started = time.time()
        self.requests: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.users: Counter[str] = Counter()

    def count(self, verb: str, resource: str, user: str) -> None:
        self.requests[f"{verb} {resource}".strip()] += 1
        self.users[user] += 1

    def to_json(self) -> Json:
        """`requests`: "verb resource" -> number; `objects`: resource -> number; bytes and seconds."""
        shelves = {item.key: self.store.shelf(item) for item in REGISTRY if item.stored}
        external = [sub for shelf in shelves.values() for sub in shelf.subscriptions if sub.user]
        return {
            "requests": dict(self.requests),
            "statuses": {str(code): number for code, number in self.statuses.items()},
            "users": dict(self.users),
            "watches": len(external),
            "objects": {key: len(shelf.records) for key, shelf in shelves.items() if shelf.records},
            "revision": self.store.revision,
            "rss_bytes": resident_bytes(),
            "uptime_seconds": round(time.time() - self.started, 3),
        }
