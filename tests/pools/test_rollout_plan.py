"""The plan of a hand-over against a controller that takes what it can: no lent pod is lost, all is kept."""

import random
from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from apps.gateways.labels import RETIRING, UNASSIGNED
from apps.pools.live_view import PodFacts
from apps.pools.reconciler.acts import Act
from apps.pools.reconciler.sight import Sight
from apps.pools.rollouts.pace import ENDLESS
from apps.pools.rollouts.planning import Rolling, lessened, must_hold, next_act, removable, waits
from apps.pools.scaling.state import PoolState
from tests.pools.made_up import OWNER, pod
from tests.pools.sharing import BUSINESSES

OLD = "earlier-replicaset"
NAMES = ["production", "testing", UNASSIGNED]


@dataclass
class World:
    """A pool in a rollout: `surge` says how many new pods may come before an old one goes."""

    pods: list[PodFacts]
    surge: int
    chance: random.Random
    holds: bool = True
    wanted: dict[str, int] = field(default_factory=dict)
    listed: set[tuple[str, str]] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    fewest: Counter[str] = field(default_factory=Counter)
    known: dict[str, int] = field(default_factory=dict)
    made: int = 0

    def __post_init__(self) -> None:
        self.size = len(self.pods)
        self.wanted = dict(Counter(item.business for item in self.pods if item.business != UNASSIGNED))
        self.listed = {(item.business, item.uid) for item in self.pods}
        self.fewest = Counter(self.wanted)
        self.known = dict(self.wanted)

    def rolling(self) -> Rolling:
        update = {"maxSurge": self.surge, "maxUnavailable": int(not self.surge)}
        deployment = {
            "metadata": {"name": "llm", "namespace": "default"},
            "spec": {"replicas": self.size, "strategy": {"rollingUpdate": update}},
        }
        sets = tuple({"metadata": {"uid": uid}, "spec": {}} for uid in (OLD, OWNER))
        listed = {tag: frozenset(uid for name, uid in self.listed if name == tag) for tag in BUSINESSES}
        sight = Sight(PoolState(deployment, sets, tuple(self.pods), {}), BUSINESSES, listed)
        idle = frozenset(item.uid for item in self.pods if item.business == RETIRING)
        return Rolling(sight, lessened(self.known, sight), idle)

    def act(self, act: Act) -> None:
        """The change of hands, which the endpoints do not know yet."""
        self.pods = [
            replace(item, business=act.business) if item.name == act.pod else item for item in self.pods
        ]

    def elapse(self) -> None:
        """Some pods become Ready, some endpoints catch up, and the controller does what it may."""
        self.pods = [
            item if item.ready else replace(item, ready=self.chance.random() < 0.5) for item in self.pods
        ]
        if self.chance.random() < 0.5:
            self.listed = {(item.business, item.uid) for item in self.pods if item.ready}
        rolling = self.rolling()
        if not (self.holds and must_hold(rolling)) and removable(rolling):
            self.take(
                min(rolling.old, key=lambda item: (item.ready, item.business not in (UNASSIGNED, RETIRING)))
            )
        if len(self.pods) < self.size + self.surge and self.new < self.size:
            self.made += 1
            self.pods.append(pod(f"new-{self.made}", ready=False))

    @property
    def new(self) -> int:
        return sum(item.owner_uid == OWNER for item in self.pods)

    def take(self, victim: PodFacts) -> None:
        self.lost += [victim.name] if victim.business not in (UNASSIGNED, RETIRING) else []
        self.pods.remove(victim)

    def meddle(self) -> None:
        """Somebody lends, moves or frees a pod of either version by hand."""
        mine = [item for item in self.pods if item.ready and item.business != RETIRING]
        if not mine:
            return
        chosen, goal = self.chance.choice(mine), self.chance.choice(NAMES)
        counts = Counter(self.known)
        counts[chosen.business] -= 1
        counts[goal] += 1
        self.known = {name: counts[name] for name in counts if name != UNASSIGNED and counts[name] > 0}
        self.act(Act(chosen.name, chosen.uid, chosen.business, goal, ""))

    def count(self) -> None:
        """Pods that each business' endpoints list, at their fewest."""
        for name in self.wanted:
            serving = sum((name, item.uid) in self.listed and item.business == name for item in self.pods)
            self.fewest[name] = min(self.fewest[name], serving)


def run(world: World, *, meddling: int = 0) -> None:
    """Until no old pod is left and nothing is to be done; before, people meddle so many times."""
    for step in range(100 * (world.size + 2)):
        if step < meddling:
            world.meddle()
        rolling = world.rolling()
        if act := next_act(rolling):
            world.act(act)
        elif not rolling.old and world.new == world.size and all(item.ready for item in world.pods):
            return
        world.elapse()
        world.count()
    raise AssertionError([(item.name, item.business, item.ready) for item in world.pods])


POOLS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=8)


@given(POOLS, st.integers(0, 2**16))
def test_with_room_every_business_has_as_many_pods_at_every_moment(names: list[str], seed: int) -> None:
    world = World([old(number, name) for number, name in enumerate(names)], 1, random.Random(seed))
    run(world)
    assert world.lost == []
    assert held(world) == world.wanted
    assert dict(world.fewest) == world.wanted


@given(POOLS, st.integers(0, 2**16))
def test_without_room_a_free_pod_or_one_of_one_business_makes_way(names: list[str], seed: int) -> None:
    world = World([old(number, name) for number, name in enumerate(names)], 0, random.Random(seed))
    if UNASSIGNED not in names:
        giver = max(world.wanted, key=lambda name: (world.wanted[name], name))
        first = next(item for item in world.pods if item.business == giver)
        world.act(Act(first.name, first.uid, giver, RETIRING, ""))
    run(world)
    assert world.lost == [] and held(world) == world.wanted
    assert sum(world.wanted.values()) - sum(world.fewest.values()) <= int(UNASSIGNED not in names)


def test_pods_of_a_business_whose_service_is_gone_do_not_stop_a_rollout() -> None:
    world = World([old(0, "production"), old(1, "closed")], 1, random.Random(1))
    del world.wanted["closed"]
    run(world)
    assert (world.lost, held(world)) == ([], {"production": 1})


def test_a_rollout_ends_when_more_is_wanted_than_there_will_be_pods() -> None:
    """As when somebody lends new pods by hand while the old ones are still lent."""
    world = World([old(0, "production"), old(1, "testing")], 1, random.Random(1))
    world.known = {"production": 2, "testing": 1}
    run(world)
    assert (world.lost, held(world)) == ([], {"production": 1, "testing": 1})


@given(POOLS, st.integers(1, 8), st.integers(1, 12), st.integers(0, 2**16))
def test_a_rollout_ends_whatever_people_move_meanwhile(
    names: list[str], surge: int, meddling: int, seed: int
) -> None:
    world = World([old(number, name) for number, name in enumerate(names)], surge, random.Random(seed))
    run(world, meddling=meddling)
    assert world.lost == []
    kept, wanted = held(world), world.rolling().wanted
    assert [name for name, count in wanted.items() if kept.get(name, 0) < count] == []


def test_it_is_told_that_lent_pods_do_not_count_as_available_yet() -> None:
    rolling = World([old(0, "production")], 1, random.Random(1)).rolling()
    assert waits(rolling) == ["lent pods to be Ready for minReadySeconds"]
    assert waits(with_old(rolling, status={"availableReplicas": 1})) == []


def test_nobody_waits_for_pods_of_a_version_that_was_given_up_in_its_last_step() -> None:
    """No controller ends the endless `minReadySeconds` of an earlier ReplicaSet."""
    rolling = World([old(0, "production")], 1, random.Random(1)).rolling()
    assert waits(with_old(rolling, spec={"minReadySeconds": ENDLESS})) == []


def with_old(rolling: Rolling, **parts: object) -> Rolling:
    """The same with another ReplicaSet of the earlier version."""
    earlier = {"metadata": {"uid": OLD}, "spec": {}, **parts}
    state = replace(rolling.sight.state, sets=(earlier, rolling.sight.state.sets[-1]))
    return replace(rolling, sight=replace(rolling.sight, state=state))


def test_without_the_hold_lent_pods_are_lost() -> None:
    lost = 0
    for seed in range(20):
        pods = [old(number, "production") for number in range(4)]
        world = World(pods, 1, random.Random(seed), holds=False)
        run(world)
        lost += len(world.lost)
    print(f"\n20 rollouts of 4 lent pods without the hold: {lost} of 80 taken while they were lent")
    assert lost


def old(number: int, business: str) -> PodFacts:
    return pod(f"old-{number}", business, owner_uid=OLD)


def held(world: World) -> dict[str, int]:
    return dict(Counter(item.business for item in world.pods if item.business != UNASSIGNED))
