"""A seeded run: rounds in which several actors do random deeds at once; after each, rest and judgement."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from django.db import connections
from django.utils import timezone

from apps.gateways import labels
from apps.gateways.errors import GatewayError, NotFound
from apps.operations import sweeper
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from apps.pools.distribution import undoing
from apps.pools.handover.decide import PATIENCE
from apps.pools.handover.sweep import sweep
from apps.pools.models import Intent
from apps.pools.scaling import sweeping
from apps.pools.shares.actions import switch_shares
from apps.pools.shares.keeping import policy_of
from apps.pools.statuses import IntentState
from tests.pools.chaos import accidents, kubectl  # noqa: F401  they register their deeds
from tests.pools.chaos.deeds import DEEDS, REFUSALS, SMALLEST, Scene
from tests.pools.chaos.ground import BUSINESSES, PEOPLE, Ground
from tests.pools.chaos.judge import at_rest, faults
from tests.pools.chaos.referee import Referee
from tests.pools.chaos.traffic import Traffic
from tests.pools.rolling import split
from tests.pools.scaling import state_of
from tests.pools.world import World, control
from tests.processes import until

ACTORS = PEOPLE
PER_ACTOR = 20
ROLLOUT, KUBECTL_ROLLOUT = "roll out by the portal", "kubectl rollout restart"
REST = 90.0
CATCH_UP = 20.0


@dataclass
class Chaos:
    """`weights` replaces the deeds' own; `settles` off: no watcher and no sweep looks after what was left;
    `lasting` are mishaps that stand all the time (the sabotages).
    """

    ground: Ground
    seed: int
    weights: Mapping[str, int] = field(default_factory=dict)
    lasting: tuple[Mapping[str, object], ...] = ()
    settles: bool = True
    per_actor: int = PER_ACTOR
    rest: float = REST
    catch_up: float = CATCH_UP
    talks: bool = False
    tried: Counter[tuple[str, str]] = field(default_factory=Counter)
    rounds: int = 0
    seconds: float = 0.0
    traffic: Traffic = field(init=False)

    def run(self, steps: int) -> list[str]:
        """At least so many steps; stops at the first fault. Returns what is wrong, in words."""
        began = time.monotonic()
        found: list[str] = []
        with Referee(self.ground.world) as referee, self.clients() as self.traffic:
            while self.steps < steps and not found:
                found = self.round(referee)
                if self.talks:
                    print(f"round {self.rounds}: {self.steps} steps, {len(found)} faults", flush=True)
            if self.settles and not found:
                with self.at_peace():
                    found = self.calm_rollout(referee)
        self.seconds = time.monotonic() - began
        return found

    def clients(self) -> Traffic:
        """A client for each business, where the run is about them, too."""
        return Traffic(self.ground.devcluster, self.ground.world, BUSINESSES if self.settles else ())

    @property
    def steps(self) -> int:
        """How many deeds were tried."""
        return self.tried.total()

    def round(self, referee: Referee) -> list[str]:
        """Deeds, rest, judgement, and at times somebody's `kubectl scale` on the resting pool."""
        self.rounds += 1
        self.calm()
        with ThreadPoolExecutor(ACTORS) as actors:
            acting = [actors.submit(self.act, referee, number) for number in range(ACTORS)]
            while wait(acting, timeout=0.3).not_done:
                self.supervise()
        for done in acting:
            self.tried.update(done.result())
        left = self.come_to_rest()
        referee.end_round()
        return self.verdict(left, referee) or self.outside_scale(referee)

    def verdict(self, left: list[str], referee: Referee) -> list[str]:
        """What never came to an end, and what must never be."""
        unended = [f"after {self.rest:.0f} s: {words}" for words in left]
        found = self.judged(referee, self.catch_up if not left else 1.0) + unended
        return found + list(self.traffic.unexplained(referee.sightings))

    def act(self, referee: Referee, number: int) -> Counter[tuple[str, str]]:
        """One actor's deeds of a round."""
        chance = Random(f"{self.seed}/{self.rounds}/{number}")
        scene = Scene(self.ground, referee, chance, self.ground.people[number])
        names = list(self.weights or DEEDS)
        weights = [(self.weights or {}).get(name, DEEDS[name][1]) for name in names]
        done: Counter[tuple[str, str]] = Counter()
        try:
            chosen = chance.choices(names, weights, k=self.per_actor)
            if number == 0 and ROLLOUT in names and self.rounds % 2 == 0:
                chosen[0] = ROLLOUT  # on a pool that rests it is never refused
            for name in chosen:
                done[name, attempt(scene, name)] += 1
        finally:
            connections.close_all()
        return done

    def come_to_rest(self) -> list[str]:
        """Mishaps end, the processes are there, nobody sends anything any more. Returns what never ends."""
        self.calm()
        self.tidy()
        self.supervise()
        end, left = time.monotonic() + self.rest, [""]
        while left and time.monotonic() < end:
            self.look_after()
            left = at_rest(self.ground.world)
            time.sleep(0.2)
        return left

    def supervise(self) -> None:
        """What was killed is there again, unless nobody is to look after anything."""
        if self.settles:
            self.ground.supervise()

    def calm(self) -> None:
        """Only the lasting mishaps go on."""
        control(self.ground.world.outside, "DELETE", None)
        for mishap in self.lasting:
            self.ground.world.mishap(**mishap)

    def tidy(self) -> None:
        """What somebody with kubectl does after an accident: nodes take work again."""
        world = self.ground.world
        for node in world.outside.list("nodes"):
            if node["spec"].get("unschedulable"):
                world.outside.patch_merge(
                    "nodes", node["metadata"]["name"], {"spec": {"unschedulable": False}}
                )

    def look_after(self) -> None:
        """The far side's corpses go; the portal's sweeps run as the beat would call them."""
        world = self.ground.world
        for pod in world.pods():
            if pod.phase in ("Failed", "Succeeded") and not pod.deleting:
                try:
                    world.outside.delete("pods", pod.name, namespace=world.namespace, grace=0)
                except NotFound:
                    continue
        if self.settles:
            self.pass_time()
            for part in (sweep, sweeping.sweep, undoing.sweep):
                part()

    def pass_time(self) -> None:
        """All actors are done, so no patch is on its way: open intents are as good as old."""
        old = timezone.now() - PATIENCE - timedelta(seconds=1)
        Intent.objects.filter(state=IntentState.OPEN, made_at__gt=old).update(made_at=old)
        dead = timezone.now() - timedelta(seconds=1)
        worker = self.ground.children.get("worker")
        if worker:
            rows = Operation.objects.filter(status=OperationStatus.RUNNING)
            rows.exclude(worker__contains=str(worker.pid)).update(lease_until=dead)
            sweeper.sweep()

    def judged(self, referee: Referee, patience: float) -> list[str]:
        """The faults that are left once the watcher had `patience` seconds to see the last change."""
        end = time.monotonic() + patience
        while True:
            found = faults(self.ground.world, referee) if referee.caught_up() else ["the referee is late"]
            if not found or referee.lost or time.monotonic() > end:
                return found
            time.sleep(0.3)

    @contextmanager
    def at_peace(self) -> Iterator[None]:
        """Inside the block the portal keeps no shares: an exception that ends would have it lend a pod."""
        world, person = self.ground.world, self.ground.people[0]
        policy = policy_of(world.record)
        if policy is None or not policy.active:
            yield
            return
        switch_shares(by=person, pool=world.target, paused=True)
        try:
            yield
        finally:
            switch_shares(by=person, pool=world.target, paused=False)

    def outside_scale(self, referee: Referee) -> list[str]:
        """`kubectl scale` by two on the resting pool: by their cost free pods go, and no lent one.

        Only the portal sets costs: a pod whose label others changed has the cost that it had before.
        """
        with self.at_peace():
            found = self.scaled_outside(referee)
        self.come_to_rest()
        return found

    def scaled_outside(self, referee: Referee) -> list[str]:
        """What is wrong after it, in words."""
        world = self.ground.world
        cheap, dear, size = by_cost(world)
        if len(cheap) < 2 or size < SMALLEST + 1:
            return []
        time.sleep(0.5)  # the controller's view lags behind at most so long
        before = set(referee.pardoned)
        referee.pardon(*(name for name in world.names() if name not in dear))
        world.outside.scale("deployments", world.pool, size - 2, namespace=world.namespace)
        found = self.verdict(self.come_to_rest(), referee)
        referee.pardoned = before
        world.outside.scale("deployments", world.pool, size, namespace=world.namespace)
        self.come_to_rest()
        return [f"after kubectl scale: {words}" for words in found]

    def calm_rollout(self, referee: Referee) -> list[str]:
        """One on the resting pool, by the portal or by kubectl: each business keeps its pods, and its clients
        notice nothing.
        """
        world, chance = self.ground.world, Random(self.seed)
        before = split(world)
        name = (KUBECTL_ROLLOUT, ROLLOUT)[self.seed % 2]
        DEEDS[name][0](Scene(self.ground, referee, chance, self.ground.people[0]))
        self.tried[name, "done"] += 1
        until(lambda: state_of(world).peopled > 1, seconds=60, what="the new version")
        found = self.verdict(self.come_to_rest(), referee)
        after = split(world)
        found += [] if after == before else [f"it was {before}, now it is {after}"]
        return [f"after {name}: {words}" for words in found]

    def table(self) -> str:
        """What was tried, and what came of it."""
        lines = [f"{'deed':40} {'tried':>6} {'done':>6} {'refused':>8} {'cluster':>8}"]
        for name in DEEDS:
            count = [self.tried[name, word] for word in ("done", "refused", "cluster")]
            if sum(count):
                lines.append(f"{name:40} {sum(count):6} {count[0]:6} {count[1]:8} {count[2]:8}")
        words = f"seed {self.seed}: {self.steps} steps in {self.rounds} rounds, {self.seconds:.0f} s"
        return "\n".join([words, *lines, self.traffic.table()])


def by_cost(world: World) -> tuple[list[str], list[str], int]:
    """The free pods that are cheap to delete, the pods that are dear, and how many there are in all."""
    found = world.outside.list("pods", namespace=world.namespace)
    pods = {item["metadata"]["name"]: item["metadata"] for item in found}
    cost = {name: meta["annotations"].get(labels.DELETION_COST) for name, meta in pods.items()}
    free = [name for name, meta in pods.items() if meta["labels"].get(labels.BUSINESS) == labels.UNASSIGNED]
    cheap = [name for name in free if cost[name] == labels.COST_FREE]
    return cheap, [name for name in cost if cost[name] == labels.COST_LENT], len(pods)


def attempt(scene: Scene, name: str) -> str:
    """One deed: done, refused by the portal in words, or by a cluster in trouble."""
    try:
        DEEDS[name][0](scene)
    except GatewayError:
        return "cluster"
    except (*REFUSALS, LookupError):
        return "refused"
    return "done"
