"""Pools with shares that exist in no cluster, for plans that are pure."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.gateways import labels
from apps.pools.live_view import PodFacts
from apps.pools.reconciler.acts import Act
from apps.pools.reconciler.sight import Sight
from apps.pools.scaling.state import PoolState
from apps.pools.shares.entitlement import Rule
from apps.pools.shares.planning import Shared, next_act
from tests.pools.made_up import OWNER, pod

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
BUSINESSES = {"production": ("llm-production",), "testing": ("llm-testing",), "batch": ("llm-batch",)}
LONG_AGO = NOW - timedelta(hours=1)


def pods(**counts: int) -> list[PodFacts]:
    """So many Ready pods per business."""
    return [pod(f"{name}-{number}", name) for name, count in counts.items() for number in range(count)]


def sick(name: str, business: str, *, seconds: int) -> PodFacts:
    """A pod that has not been Ready for a while."""
    since = (NOW - timedelta(seconds=seconds)).isoformat()
    return pod(name, business, ready=False, state="CrashLoopBackOff", ready_changed=since)


def sight(made: Sequence[PodFacts], **more: Any) -> Sight:
    meta = {"name": "llm", "namespace": "default", "uid": "deployment"}
    deployment = {"metadata": meta, "spec": {"replicas": len(made)}}
    state = PoolState(deployment, ({"metadata": {"uid": OWNER}},), tuple(made), {})
    return Sight(state, BUSINESSES, {}, now=NOW, **more)


def shared(made: Sequence[PodFacts], *rules: Rule, **more: Any) -> Shared:
    return Shared(sight(made, closed=more.pop("closed", frozenset())), rules, **more)


def moved(made: list[PodFacts], act: Act) -> list[PodFacts]:
    """The pods after an act."""
    rest = [item for item in made if item.name != act.pod]
    before = next(item for item in made if item.name == act.pod)
    assert before.business == act.origin
    ready = {"ready": before.ready, "state": before.state, "ready_changed": before.ready_changed}
    return [*rest, pod(act.pod, act.business, node=before.node, **ready)]


def settle(made: list[PodFacts], *rules: Rule, **more: Any) -> tuple[list[PodFacts], list[Act]]:
    """Act until nothing is left to do, as the reconciler does it."""
    acts: list[Act] = []
    aside = set(more.pop("aside", ()))
    while act := next_act(shared(made, *rules, aside=frozenset(aside), **more)):
        assert len(acts) < 300, acts[-5:]
        if act.batch:
            aside.add(act.uid)
        made = moved(made, act)
        acts.append(act)
    return made, acts


def split(made: Sequence[PodFacts]) -> dict[str, int]:
    """Ready pods per business, the stock too."""
    found: dict[str, int] = {}
    for item in made:
        if item.ready:
            found[item.business] = found.get(item.business, 0) + 1
    return found


def free(made: Sequence[PodFacts]) -> int:
    return split(made).get(labels.UNASSIGNED, 0)
