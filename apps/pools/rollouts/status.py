"""A pool's rollouts as pages and API show them: from the mirror and our own rows."""

from dataclasses import dataclass
from datetime import datetime

from apps.live import mirror
from apps.live.stored import rows
from apps.pools import selectors
from apps.pools.models import Rollout, Turn
from apps.pools.rollouts import following
from apps.pools.selectors import PodRow, PoolRow

PAST = 20


@dataclass(frozen=True)
class Version:
    """A version that the cluster keeps; the newest one is `current`. `pods`: how many run it."""

    number: int
    image: str
    since: datetime | None
    pods: int
    current: bool


@dataclass(frozen=True)
class Progress:
    """A rollout under way. `old` and `new`: pods of the versions; `wanted`: pods per business in the end."""

    rollout: Rollout
    old: list[PodRow]
    new: list[PodRow]
    wanted: dict[str, int]
    waits: list[str]

    @property
    def ready(self) -> int:
        """New pods that are Ready."""
        return sum(pod.facts.ready for pod in self.new)


@dataclass(frozen=True)
class RolloutStatus:
    """Everything about a pool's versions."""

    progress: Progress | None
    past: list[Rollout]
    versions: list[Version]


def status_of(pool: PoolRow) -> RolloutStatus:
    """The rollouts of a pool of the mirror."""
    record = selectors.record(pool.cluster_id, pool.namespace, pool.name)
    made = Rollout.objects.filter(pool=record) if record else Rollout.objects.none()
    active = made.filter(ended_at=None).first()
    return RolloutStatus(
        progress=progress_of(pool, active) if active else None,
        past=list(made.exclude(ended_at=None)[:PAST]),
        versions=versions_of(pool),
    )


def progress_of(pool: PoolRow, rollout: Rollout) -> Progress:
    """How far it is."""
    turn = Turn.objects.filter(pool_id=rollout.pool_id).first()
    return Progress(
        rollout=rollout,
        old=[pod for pod in pool.pods if pod.facts.alive and not pod.live],
        new=[pod for pod in pool.pods if pod.live],
        wanted=following.wanted(rollout),
        waits=[str(words) for words in turn.waits] if turn else [],
    )


def versions_of(pool: PoolRow) -> list[Version]:
    """The ReplicaSets of the pool, the newest first."""
    owned = rows(mirror.objects(pool.cluster_id, "replicasets").filter(data__owner_uid=pool.uid))
    found = sorted(owned, key=lambda row: -int(row.data["revision"] or 0))
    return [
        Version(
            number=int(row.data["revision"] or 0),
            image=str(row.data.get("image", "")),
            since=row.created_at,
            pods=int(row.data["current"]),
            current=place == 0,
        )
        for place, row in enumerate(found)
    ]
