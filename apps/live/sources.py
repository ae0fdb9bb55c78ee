"""Sources: what a cluster says, into the mirror. A thread per kind, so that nothing slow or broken holds up
another.

`ClusterSources` follows all registered kinds of one cluster; `PollSource` asks what has no watch (AWS). Both
keep the SyncState true: a pulse asks the API server every few seconds whether it lives, and marks what is
followed as current.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing

import structlog
from django.db import Error as DatabaseError

from apps.gateways.errors import GatewayError
from apps.gateways.kubernetes import Kubernetes
from apps.live import kinds, mirror, syncing
from apps.live.db import borrowed
from apps.live.following import RELIST_SECONDS, Follower, Listed, Step
from apps.live.kinds import Kind
from apps.live.rows import Event, Row

logger = structlog.get_logger(__name__)
PULSE_SECONDS = 1.0
PROBE_SECONDS = 5.0
OLDER_LISTS = 3
DATABASE_PAUSE = 1.0


class Source:
    """One kind of one cluster, from `start` until `close` or until another source took over (`fenced`)."""

    def __init__(
        self,
        cluster_id: int,
        kind: Kind,
        connect: Callable[[], Kubernetes],
        *,
        relist: float = RELIST_SECONDS,
    ) -> None:
        self.cluster_id = cluster_id
        self.kind = kind
        self.follower = Follower(kind, connect, relist=relist)
        self.fenced = False
        self._older = 0
        self._thread = threading.Thread(
            target=self._run, name=f"source-{cluster_id}-{kind.name}", daemon=True
        )

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def close(self, timeout: float = 5.0) -> None:
        """Stop, and wait for what is being written."""
        self.follower.close()
        if self._thread.is_alive():
            self._thread.join(timeout)

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self.follower.closed:
            try:
                with borrowed():
                    epoch = syncing.begin(self.cluster_id, self.kind.name)
                with closing(self.follower.for_ever()) as steps:
                    for step in steps:
                        with borrowed():
                            self._write(step, epoch)
            except mirror.Fenced:
                self.fenced = True
                self.follower.close()
            except OlderList:
                time.sleep(DATABASE_PAUSE)
            except DatabaseError as error:
                logger.warning("mirror_unwritten", kind=self.kind.name, error=str(error))
                time.sleep(DATABASE_PAUSE)  # the generator is gone: the next one begins with a list
            except Exception:
                logger.exception("source_broke", kind=self.kind.name, cluster=self.cluster_id)
                time.sleep(DATABASE_PAUSE)

    def _write(self, step: Step, epoch: int) -> None:
        if isinstance(step, Listed):
            self._replace(step, epoch)
        elif step.events:
            mirror.apply(self.cluster_id, self.kind.name, step.events, epoch=epoch)

    def _replace(self, listed: Listed, epoch: int) -> None:
        """A list older than the mirror is passed over; when the cluster insists, its history was set back."""
        may_go_back = self.follower.lists == 1 or self._older >= OLDER_LISTS
        try:
            mirror.replace(
                self.cluster_id,
                self.kind.name,
                listed.rows,
                listed.resource_version,
                epoch=epoch,
                may_go_back=may_go_back,
            )
            self._older = 0
        except mirror.Older as older:
            self._older += 1
            logger.warning("older_list", detail=str(older), times=self._older)
            raise OlderList(str(older)) from older


class OlderList(Exception):
    """The API server answered with an older list than before: ask again."""


class ClusterSources:
    """All kinds of one cluster, and the pulse that says how current they are."""

    def __init__(
        self,
        cluster_id: int,
        connect: Callable[[], Kubernetes],
        *,
        followed: Sequence[Kind] | None = None,
        relist: float = RELIST_SECONDS,
    ) -> None:
        chosen = (
            [kind for kind in kinds.registered_kinds() if kind.resource] if followed is None else followed
        )
        self.cluster_id = cluster_id
        self.sources = [Source(cluster_id, kind, connect, relist=relist) for kind in chosen]
        self._connect = connect
        self._closed = threading.Event()
        self._pulse = threading.Thread(target=self._beat, name=f"pulse-{cluster_id}", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        for source in self.sources:
            source.start()
        self._pulse.start()

    def close(self) -> None:
        """Stop all threads; returns when they have ended, or after a few seconds."""
        self._closed.set()
        for source in self.sources:
            source.follower.close()
        for source in self.sources:
            source.close()
        self._pulse.join(5)

    @property
    def fenced(self) -> bool:
        """Whether another watcher has taken over."""
        return any(source.fenced for source in self.sources)

    def health(self) -> dict[str, str]:
        """Kind -> "following", "listing" or what is wrong, for the watcher's health line."""
        return {source.kind.name: _word(source) for source in self.sources}

    def _beat(self) -> None:
        probed = 0.0
        unreachable = ""
        while not self._closed.wait(PULSE_SECONDS):
            if time.monotonic() - probed >= PROBE_SECONDS:
                unreachable = self._probe()
                probed = time.monotonic()
            try:
                with borrowed():
                    self._note(unreachable)
            except DatabaseError as error:
                logger.warning("pulse_unwritten", cluster=self.cluster_id, error=str(error))

    def _probe(self) -> str:
        """ "" when the API server answers, else why not. One small request, whoever watches the pages."""
        try:
            self._connect().version()
        except GatewayError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001  a row that cannot be connected to is a failing cluster, no crash
            logger.warning("cluster_unusable", cluster=self.cluster_id, error=str(error))
            return str(error)
        return ""

    def _note(self, unreachable: str) -> None:
        well = [source.kind.name for source in self.sources if source.follower.following]
        if self._closed.is_set() or self.fenced:
            return
        if unreachable:
            syncing.failing(self.cluster_id, [source.kind.name for source in self.sources], unreachable)
            return
        syncing.alive(self.cluster_id, well)
        for source in self.sources:
            if source.follower.error and not source.follower.following:
                syncing.failing(self.cluster_id, [source.kind.name], source.follower.error)


def _word(source: Source) -> str:
    if source.follower.following:
        return "following"
    return source.follower.error or ("listing" if source.alive else "stopped")


class PollSource:
    """What can only be asked: every `every` seconds, differences are written, nothing else."""

    def __init__(
        self, cluster_id: int, kind: str, poll: Callable[[], Iterable[Row]], *, every: float = 30.0
    ) -> None:
        self.cluster_id = cluster_id
        self.kind = kind
        self.error = ""
        self._poll = poll
        self._every = every
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"poll-{cluster_id}-{kind}", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def close(self, timeout: float = 5.0) -> None:
        """Stop; returns when the thread has ended."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def once(self) -> None:
        """Ask and write the differences. Raises what the poll raises."""
        now = time.time_ns() // 1_000_000
        found = [_stamped(row, now) for row in self._poll()]
        known = {row.key: row for row in mirror.rows(mirror.objects(self.cluster_id, self.kind))}
        if not mirror.sync_state(self.cluster_id, self.kind).loaded:
            mirror.replace(self.cluster_id, self.kind, found, now)
        else:
            mirror.apply(self.cluster_id, self.kind, list(differences(known, found, now)))
        syncing.alive(self.cluster_id, [self.kind])

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                with borrowed():
                    self.once()
                self.error = ""
            except Exception as error:  # noqa: BLE001  a poll may fail in any way; the state says so, the next one tries
                self.error = str(error)
                logger.warning("poll_failed", kind=self.kind, cluster=self.cluster_id, error=str(error))
                self._say_failing()
            self._closed.wait(self._every)

    def _say_failing(self) -> None:
        try:
            with borrowed():
                syncing.failing(self.cluster_id, [self.kind], self.error)
        except DatabaseError as error:
            logger.warning("pulse_unwritten", cluster=self.cluster_id, error=str(error))


def differences(known: dict[tuple[str, str], Row], found: Sequence[Row], now: int) -> Iterator[Event]:
    """What to write so that `known` becomes `found`."""
    for row in found:
        before = known.get(row.key)
        if before is None or not row.same_content(before):
            yield Event(row)
    for key in known.keys() - {row.key for row in found}:
        yield Event(_stamped(known[key], now), deleted=True)


def _stamped(row: Row, now: int) -> Row:
    """Polled objects have no revision of their own: the time of the poll, in ms, orders them."""
    return Row(row.namespace, row.name, row.uid, now, row.labels, row.data, row.created_at)
