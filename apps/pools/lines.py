"""A pool's pods as its pages list them: each with its open interval, its last change and its load."""

from collections.abc import Mapping
from dataclasses import dataclass

from apps.pools import selectors
from apps.pools.load import ring
from apps.pools.load.ring import PodLoad
from apps.pools.models import Holding, Intent
from apps.pools.selectors import PodRow, PoolRow


@dataclass(frozen=True)
class PodLine:
    """A pod with its open interval, its newest change of hands, and its engine's last minutes."""

    pod: PodRow
    holding: Holding | None
    intent: Intent | None
    load: PodLoad | None

    @property
    def moving(self) -> bool:
        """Whether its last change is not settled yet."""
        return self.intent is not None and self.intent.open

    @property
    def current(self) -> Intent | None:
        """The change that gave the pod to whom it has now; None when none of ours did."""
        mine = self.holding and self.holding.intent_id
        return self.intent if self.intent and self.intent.pk == mine else None


def pod_lines(pool: PoolRow) -> list[PodLine]:
    """Every pod of the pool by name, in three queries."""
    uids = [pod.facts.uid for pod in pool.pods]
    loads = ring.loads(pool.cluster_id, uids)
    holdings, intents = records(pool, uids)
    return [
        PodLine(pod, holdings.get(uid), intents.get(uid), loads.get(uid))
        for pod in sorted(pool.pods, key=lambda pod: pod.name)
        for uid in [pod.facts.uid]
    ]


def records(pool: PoolRow, uids: list[str]) -> tuple[Mapping[str, Holding], Mapping[str, Intent]]:
    """What is written down of these pods by uid: open intervals and newest intents."""
    record = selectors.record(pool.cluster_id, pool.namespace, pool.name)
    if record is None:
        return {}, {}
    held = Holding.objects.filter(pool=record, pod_uid__in=uids, to_at=None)
    return {holding.pod_uid: holding for holding in held}, selectors.last_intents(record, uids)
