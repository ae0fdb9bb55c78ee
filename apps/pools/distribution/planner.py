"""Which pods move where, and in which order, so that each has as many as it should. Pure.

Make before break: who gains gets free pods first, then pods of those who have too many, and only then does
anything go back to the stock. After every single move each business has as many Ready pods as its floor asks,
or as many as it had.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.gateways.labels import UNASSIGNED

Counts = Mapping[str, int]


class Unlendable(ValueError):
    """Too few pods can be lent out: those of `pods` stand on nodes that take no new work."""

    def __init__(self, pods: Sequence[str]) -> None:
        super().__init__(", ".join(pods))
        self.pods = pods


@dataclass(frozen=True)
class Piece:
    """A live pod: where it is, whether it answers, whether its node takes new work."""

    name: str
    business: str
    ready: bool = True
    lendable: bool = True


@dataclass(frozen=True)
class Move:
    """One pod from one business to another; either may be the free stock."""

    pod: str
    origin: str
    business: str
    ready: bool = True


class Giver:
    """A business, or the stock, that gives pods away: Ready ones only while more than `floor` are left."""

    def __init__(self, name: str, pods: Iterable[Piece], floor: int) -> None:
        self.name = name
        ordered = sorted(pods, key=lambda pod: pod.name)
        self.ready = [pod for pod in ordered if pod.ready]
        self.ailing = [pod for pod in ordered if not pod.ready]
        self.spare = max(0, len(self.ready) - floor)

    def best(self) -> Piece | None:
        """A pod for somebody who will serve with it."""
        for stock in (self.ready if self.spare else [], self.ailing):
            found = next((pod for pod in stock if pod.lendable), None)
            if found:
                return self.take(found)
        return None

    def worst(self) -> Piece | None:
        """A pod for the stock: what does not answer, then what stands on a node that is being emptied."""
        ready = sorted(self.ready, key=lambda pod: pod.lendable) if self.spare else []
        found = next(iter([*self.ailing, *ready]), None)
        return self.take(found) if found else None

    def take(self, pod: Piece) -> Piece:
        """Give it."""
        (self.ready if pod.ready else self.ailing).remove(pod)
        self.spare -= pod.ready
        return pod


def plan(pieces: Sequence[Piece], goal: Counts, floors: Counts) -> list[Move]:
    """The fewest moves that lead to `goal`: pods per business and for the stock; names not in it keep theirs.

    Raises Unlendable when pods on closed nodes make it impossible.
    """
    held = Counter(pod.business for pod in pieces)
    change = {name: count - held[name] for name, count in goal.items()}
    wants = wanted(pieces, {name: more for name, more in change.items() if more > 0 and name != UNASSIGNED})
    room = max(0, change.get(UNASSIGNED, 0))
    pods: defaultdict[str, list[Piece]] = defaultdict(list)
    for pod in pieces:
        pods[pod.business].append(pod)
    losers = sorted((name for name, more in change.items() if more < 0), key=lambda name: name != UNASSIGNED)
    moves: list[Move] = []
    for name in losers:
        giver = Giver(name, pods[name], 0 if name == UNASSIGNED else floors.get(name, 0))
        for _number in range(-change[name]):
            moves.append(given(giver, wants, room))
            room -= moves[-1].business == UNASSIGNED
    return sorted(moves, key=stage)


def wanted(pieces: Sequence[Piece], gains: Counts) -> deque[str]:
    """Who gets a pod next: whoever has fewest Ready pods, one after the other."""
    ready = Counter(pod.business for pod in pieces if pod.ready)
    claims = [(ready[name] + count, name) for name, more in gains.items() for count in range(more)]
    return deque(name for _rank, name in sorted(claims))


def given(giver: Giver, wants: deque[str], room: int) -> Move:
    """The giver's next move: to whoever wants a pod; with none to lend, to the stock while it has `room`."""
    pod = giver.best() if wants else None
    if pod:
        return Move(pod.name, giver.name, wants.popleft(), pod.ready)
    pod = giver.worst() if room else None
    if pod:
        return Move(pod.name, giver.name, UNASSIGNED, pod.ready)
    raise Unlendable([pod.name for pod in (*giver.ready, *giver.ailing) if not pod.lendable])


def stage(move: Move) -> tuple[bool, bool]:
    """From the stock first, then from one to the other, then back to the stock."""
    return move.origin != UNASSIGNED, move.business == UNASSIGNED
