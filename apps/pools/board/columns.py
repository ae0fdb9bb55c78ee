"""Columns and cards: plain values, equal when they look alike, so that only what differs travels."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha1

from django.utils import timezone

from apps.gateways import labels
from apps.pools.board.states import State, state_of
from apps.pools.history.costs import Rate, hourly, known_prices
from apps.pools.lines import PodLine
from apps.pools.load.plots import Plot, plot_together
from apps.pools.models import Intent, NodePrice, Share
from apps.pools.selectors import PoolRow, ServiceRow

NEWS = timedelta(minutes=10)


@dataclass(frozen=True)
class Card:
    """One pod. `place` is its column's list, `origin` its label; `goal` where a drained pod goes next.

    `movable`: live, and not on its way already. `requests` are (running, waiting), None when the engine tells
    nothing.
    """

    dom_id: str
    place: str
    pod: str
    namespace: str
    origin: str
    state: State
    node: str
    gpus: int
    movable: bool
    goal: str
    operation: str
    refusal: str
    requests: tuple[int, int] | None

    is_head = False

    @property
    def busy(self) -> bool:
        """Whether its engine has requests in hand; a pod that leaves says so in its state."""
        return self.requests is not None and any(self.requests) and self.movable


@dataclass(frozen=True)
class Part:
    """A business' share of the pool: so many pods, or a weight (the other one is None), and its floor."""

    count: int | None
    weight: int | None
    floor: int
    paused: bool


@dataclass(frozen=True)
class Head:
    """A column's head: its business, counts of live and Ready pods, addresses, load, and what they cost."""

    dom_id: str
    place: str
    business: str
    title: str
    live: int
    ready: int
    services: tuple[ServiceRow, ...]
    plot: Plot | None
    share: Part | None = None
    rate: Rate | None = None

    is_head = True

    @property
    def orphaned(self) -> bool:
        """Whether pods carry this business though no service of the pool has it."""
        return not self.services and self.business != labels.UNASSIGNED


@dataclass(frozen=True)
class Column:
    """A business' column: ids of its title, its head's place and its list."""

    business: str

    @property
    def mark(self) -> str:
        """The business as a part of an id: a label may hold characters that ids must not."""
        return sha1(self.business.encode(), usedforsecurity=False).hexdigest()[:10]

    @property
    def title(self) -> str:
        """The id of its title."""
        return f"title-{self.mark}"

    @property
    def head(self) -> str:
        """The id of the element with its head."""
        return f"head-{self.mark}"

    @property
    def cards(self) -> str:
        """The id of its list of cards."""
        return f"cards-{self.mark}"


def columns(pool: PoolRow) -> list[Column]:
    """The free stock first, then the businesses by name, also those that only pods have."""
    tags = [tag for tag in pool.status.distribution if not labels.is_reserved(tag)]
    return [Column(labels.UNASSIGNED), *map(Column, tags)]


def heads(pool: PoolRow, lines: Sequence[PodLine], found: Sequence[Column]) -> list[Head]:
    """A head per column."""
    pods: defaultdict[str, list[PodLine]] = defaultdict(list)
    for line in lines:
        if line.pod.live:
            pods[line.pod.facts.business].append(line)
    shares, prices = parts(pool), known_prices()
    return [
        head(pool, column, pods[column.business], shares.get(column.business), prices) for column in found
    ]


def head(
    pool: PoolRow,
    column: Column,
    lines: Sequence[PodLine],
    share: Part | None,
    prices: Mapping[str, NodePrice],
) -> Head:
    """One column's head; `lines` are its live pods."""
    return Head(
        dom_id=f"about-{column.mark}",
        place=column.head,
        business=column.business,
        title=column.title,
        live=len(lines),
        ready=sum(line.pod.facts.ready for line in lines),
        services=tuple(item for item in pool.services if item.business == column.business),
        plot=plot_together(line.load for line in lines),
        share=share,
        rate=hourly((line.holding for line in lines if line.holding), prices),
    )


def parts(pool: PoolRow) -> dict[str, Part]:
    """Business -> its share, while the pool's shares are switched on."""
    place = {
        "policy__pool__cluster_id": pool.cluster_id,
        "policy__pool__namespace": pool.namespace,
        "policy__pool__name": pool.name,
    }
    found = Share.objects.filter(policy__enabled=True, **place).select_related("policy")
    return {
        share.business: Part(share.count, share.weight, share.floor, share.policy.paused) for share in found
    }


def cards(lines: Sequence[PodLine], found: Sequence[Column]) -> list[Card]:
    """A card per pod, by name."""
    places = {column.business: column.cards for column in found}
    return [card(line, places) for line in lines]


def recent(intent: Intent) -> bool:
    """Whether what became of it is still news."""
    return intent.settled_at is not None and timezone.now() - intent.settled_at < NEWS


def card(line: PodLine, places: dict[str, str]) -> Card:
    """One pod's card; a pod between two businesses stays in the column that it comes from."""
    facts, intent = line.pod.facts, line.intent
    between = labels.is_reserved(facts.business) and facts.business != labels.UNASSIGNED
    home = intent.origin if between and intent else facts.business
    now = line.load.now if line.load else None
    return Card(
        dom_id=f"card-{facts.uid}",
        place=places.get(home, places[labels.UNASSIGNED]),
        pod=facts.name,
        namespace=facts.namespace,
        origin=facts.business,
        state=state_of(line),
        node=facts.node,
        gpus=facts.gpus,
        movable=line.pod.live and not between and not line.moving,
        goal=intent.goal if between and intent else "",
        operation=intent.operation_id if between and intent else "",
        refusal=intent.message if intent and recent(intent) else "",
        requests=(now.running, now.waiting) if now else None,
    )
