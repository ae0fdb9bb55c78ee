"""The watcher: follows every registered cluster while it is the leader, and notices new, changed and removed
ones.
"""

import threading
import time
from collections.abc import Callable

import structlog
from django.db import Error as DatabaseError

from apps.clusters.models import Cluster
from apps.gateways.kubernetes import Kubernetes
from apps.live import mirror
from apps.live.db import borrowed
from apps.live.leader import Leadership
from apps.live.sources import ClusterSources

logger = structlog.get_logger(__name__)
LOCK = "watch"
LOOK_SECONDS = 1.0
HEALTH_SECONDS = 30.0


class Watcher:
    """The sources of all active clusters. `run` returns when told to stop or when leadership is lost."""

    def __init__(self) -> None:
        self._following: dict[int, tuple[int, ClusterSources]] = {}
        self._said = 0.0

    def run(self, stop: threading.Event, leader: Leadership) -> None:
        """Follow until `stop` is set or another watcher leads."""
        try:
            while not stop.wait(LOOK_SECONDS if self._following else 0.1) and leader.check():
                self.look()
                self.say_health()
        finally:
            self.close()

    def look(self) -> None:
        """Start, renew and end sources, so that they fit the registry."""
        try:
            with borrowed():
                rows = {row.pk: row for row in Cluster.objects.filter(active=True)}
        except DatabaseError as error:
            logger.warning("registry_unreadable", error=str(error))
            return
        for pk in list(self._following):
            version, sources = self._following[pk]
            if pk not in rows or rows[pk].version != version or sources.fenced:
                self.end(pk)
        for pk in rows.keys() - self._following.keys():
            self.begin(rows[pk])

    def begin(self, row: Cluster) -> None:
        """Follow a cluster from now on."""
        logger.info("cluster_followed", cluster=row.slug, server=row.server)
        sources = ClusterSources(row.pk, dial(row))
        sources.start()
        self._following[row.pk] = (row.version, sources)

    def end(self, pk: int) -> None:
        """Follow a cluster no longer; forget what was mirrored of it when its row is gone."""
        self._following.pop(pk)[1].close()
        with borrowed():
            if not Cluster.objects.filter(pk=pk).exists():
                mirror.forget(pk)
        logger.info("cluster_left", cluster=pk)

    def say_health(self) -> None:
        """One line now and then: how every cluster and kind is followed."""
        if time.monotonic() - self._said < HEALTH_SECONDS:
            return
        self._said = time.monotonic()
        for pk, (_version, sources) in self._following.items():
            health = sources.health()
            well = sum(word == "following" for word in health.values())
            rest = {kind: word for kind, word in health.items() if word != "following"}
            logger.info("watch_health", cluster=pk, following=f"{well}/{len(health)}", **rest)

    def close(self) -> None:
        """End all sources."""
        for _version, sources in self._following.values():
            sources.close()
        self._following.clear()


def dial(row: Cluster) -> Callable[[], Kubernetes]:
    """One client for all sources of this version of the row; made at the first call, which may raise
    Invalid.
    """
    made: list[Kubernetes] = []
    guard = threading.Lock()

    def connect() -> Kubernetes:
        with guard:
            if not made:
                made.append(Kubernetes(row.connection()))
            return made[0]

    return connect
