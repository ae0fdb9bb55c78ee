"""Many people want one pod at the same moment: one of them gets it, the others are told the truth."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from django.db import connections

from apps.accounts.models import Role, User
from apps.gateways import labels
from apps.operations.models import Operation
from apps.operations.runner import execute
from apps.operations.services import Busy
from apps.operations.statuses import OperationStatus
from apps.pools.distribution.actions import distribute_pods
from apps.pools.distribution.wanted import Wanted
from apps.pools.models import Holding, Intent
from apps.pools.reconciler.acts import Act, perform
from apps.pools.reconciler.sight import look
from apps.pools.refusals import BeingMoved, Moved, Outdated, PoolProblem
from apps.pools.rollouts.actions import roll_out_pool
from apps.pools.rollouts.runner import How
from apps.pools.rollouts.wishes import VersionWish
from apps.pools.scaling.planning import CannotScale, plan
from apps.pools.statuses import IntentState
from tests.builders import make_user
from tests.inference.real import finish, lines
from tests.pools.checker import Recorder, faults
from tests.pools.scaling import Losses, begin, leftovers, quick_stage, settled, state_of
from tests.pools.world import Stage, World, assign, world_on
from tests.processes import Devcluster, until

AT_ONCE = 50


def race(world: World, people: list[User], name: str, origin: str, targets: list[str]) -> list[str]:
    """Everybody assigns at the same moment; "done" or the refusal's words for each."""
    gate = Barrier(len(people))

    def one(number: int) -> str:
        gate.wait(60)
        try:
            assign(world, people[number], name, targets[number % len(targets)], origin=origin, force=True)
        except (Moved, BeingMoved) as refusal:
            return str(refusal)
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(len(people)) as threads:
        return list(threads.map(one, range(len(people))))


@pytest.fixture
def people(transactional_db: None) -> list[User]:
    return [make_user(f"person-{number}", Role.OPERATOR) for number in range(AT_ONCE)]


def test_fifty_assigns_of_one_pod_have_one_winner_each_round(world: World, people: list[User]) -> None:
    name = world.names()[0]
    rounds = [("unassigned", ["production", "testing"], AT_ONCE), ("", ["unassigned"], 10)]
    tried = 0
    world.mirror()
    with Recorder(world) as recorder:
        for origin, targets, number in rounds:
            seen = origin or world.business_of(name)
            answers = race(world, people[:number], name, seen, targets)
            tried += len(answers)
            assert answers.count("done") == 1, Counter(answers)
            assert all(name in words for words in answers if words != "done")
        assert faults(world, recorder) == []
    states = Counter(Intent.objects.values_list("state", flat=True))
    assert states[IntentState.DONE] == 2 and not states[IntentState.OPEN]
    print(f"\n{tried} assigns of one pod in {len(rounds)} rounds: 2 done, {tried - 2} refused, 0 wrong rows")


def test_a_business_keeps_its_last_pod_when_two_people_take_both_at_once(
    world: World, people: list[User]
) -> None:
    first, second = world.names()[:2]
    for name in (first, second):
        assign(world, people[0], name, "production")
    gate = Barrier(2)

    def take(name: str) -> bool:
        gate.wait(30)
        try:
            assign(world, people[1], name, "testing", origin="production")
        except PoolProblem:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(2) as threads:
        taken = list(threads.map(take, (first, second)))
    assert taken.count(True) <= 1
    assert "production" in {world.business_of(first), world.business_of(second)}


@pytest.fixture(scope="module")
def fenceable(devcluster: Devcluster) -> Iterator[Stage]:
    """Four pods with a PriorityClass of their own."""
    stage = quick_stage(devcluster, namespace="races", replicas=4, businesses=("production", "testing"))
    yield stage
    stage.drop()


@pytest.fixture
def pool(transactional_db: None, fenceable: Stage) -> World:
    return world_on(fenceable)


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """What each deed answers, or the refusal that it met, all begun at the same moment."""
    gate = Barrier(len(deeds))

    def one(deed: Callable[[], object]) -> object:
        gate.wait(60)
        try:
            return deed()
        except (PoolProblem, Busy) as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(deeds)) as threads:
        return list(threads.map(one, deeds))


def test_a_pod_that_is_lent_and_scaled_away_at_once_has_one_fate(pool: World, people: list[User]) -> None:
    """The chosen pod is lent at the moment when the scale-down takes it."""
    victim = plan(pool.portal, pool.record, 3).victims[0].pod
    operation = begin(pool, people[0], 3, timeout=5)
    with Recorder(pool) as recorder, Losses(pool) as losses:
        lent, _ran = at_once(
            lambda: assign(pool, people[1], victim, "production", origin="unassigned"),
            lambda: execute(operation.pk),
        )
        done = finish(operation)
        assert done.status == OperationStatus.SUCCEEDED, (done.message, lines(done))
        settled(pool, 3)
        kept = victim in pool.names()
        chain = recorder.seen[next(uid for uid, name in recorder.names.items() if name == victim)]
    print(f"\nthe pod {'was lent' if kept else 'was scaled away'}")
    assert kept is isinstance(lent, Intent) and (losses.lent, leftovers(pool)) == ([], [])
    assert chain == ["unassigned", "production" if kept else "retiring"]
    assert kept or (isinstance(lent, PoolProblem) and victim in str(lent))


def winner(answers: list[object]) -> Operation:
    """The one operation that began; everybody else was told whose it is, on what and how it stands."""
    begun = [answer for answer in answers if isinstance(answer, Operation)]
    assert len(begun) == 1, Counter(map(str, answers))
    first = begun[0]
    words = f"{first.actor_name} is already at work on {first.target_name}: {first.title}, "
    others = [str(answer) for answer in answers if answer is not first]
    assert all(isinstance(answer, Busy) for answer in answers if answer is not first), others
    assert all(answer.startswith(words) for answer in others), others
    return first


def share_out(world: World, by: User, weights: dict[str, float]) -> object:
    return distribute_pods(by=by, pool=world.target, wanted=Wanted(weights)).operation


def test_of_fifty_distributes_at_once_one_is_carried_out_whole(pool: World, people: list[User]) -> None:
    wishes: list[dict[str, float]] = [{"production": 1}, {"testing": 1}]
    pool.mirror()
    with Recorder(pool) as recorder:
        answers = at_once(
            *[partial(share_out, pool, by, wishes[number % 2]) for number, by in enumerate(people)]
        )
        first = winner(answers)
        done = finish(first)
        assert done.status == OperationStatus.SUCCEEDED, (done.message, lines(done))
        assert faults(pool, recorder) == []
    assert len({pod.business for pod in pool.pods()}) == 1 and Operation.objects.count() == 1
    assert set(Holding.objects.exclude(intent=None).values_list("by", flat=True)) == {first.actor_name}


def test_of_fifty_reconcilers_with_one_look_one_acts(pool: World, people: list[User]) -> None:
    pool.mirror()
    name = pool.names()[0]
    uid, seen = pool.pod(name).uid, look(pool.portal, pool.record)
    acts = [
        Act(name, uid, "unassigned", ("production", "testing")[number % 2], "") for number in range(AT_ONCE)
    ]
    with Recorder(pool) as recorder:
        answers = at_once(*[partial(perform, pool.portal, pool.record, act, seen) for act in acts])
        done = [answer for answer in answers if isinstance(answer, Intent)]
        assert [intent.state for intent in done] == [IntentState.DONE]
        assert sum(isinstance(answer, Outdated) for answer in answers) == AT_ONCE - 1, Counter(
            map(str, answers)
        )
        assert faults(pool, recorder) == []
    assert Intent.objects.count() == 1 and pool.business_of(name) == done[0].business


def test_of_fifty_scales_and_rollouts_at_once_one_is_done(pool: World, people: list[User]) -> None:
    """Scales to several sizes and new versions; whoever comes first is alone at the pool until the end."""
    wish, how = VersionWish(restart="now"), How(settle=0, timeout=5)
    pool.mirror()

    def ask(number: int) -> object:
        if number % 2:
            return roll_out_pool(by=people[number], pool=pool.target, wish=wish, how=how).operation
        return begin(pool, people[number], (3, 5)[number % 4 // 2])

    first = winner(at_once(*[partial(ask, number) for number in range(AT_ONCE)]))
    done = finish(first, seconds=120)
    assert done.status == OperationStatus.SUCCEEDED, (done.message, lines(done))
    print(f"\n{first.title} began, {AT_ONCE - 1} were told so")
    until(lambda: not leftovers(pool) and rolled_out(pool), seconds=60, what="a settled pool")
    assert Operation.objects.count() == 1


def test_no_scale_during_a_rollout_and_a_rollout_ends_a_scale_safely(pool: World, people: list[User]) -> None:
    roll_out(pool, "first")
    with pytest.raises(CannotScale, match=r"rolling out|working on the last change|wait until they agree"):
        begin(pool, people[0], 3)
    until(lambda: rolled_out(pool), seconds=90, every=0.3, what="the first rollout")
    operation = begin(pool, people[0], 3, timeout=60)
    assert execute(operation.pk)
    roll_out(pool, "second")
    done = finish(operation)
    assert done.status == OperationStatus.FAILED and "new version" in done.message, done.message
    until(lambda: rolled_out(pool) and not leftovers(pool), seconds=90, every=0.3, what="the second rollout")
    assert state_of(pool).replicas == 4


def roll_out(world: World, version: str) -> None:
    """What `kubectl rollout restart` does, all pods at once."""
    template = {"metadata": {"annotations": {labels.RESTARTED_AT: version}}}
    change = {"spec": {"template": template, "strategy": {"rollingUpdate": {"maxSurge": "100%"}}}}
    world.outside.patch_merge("deployments", world.pool, change, namespace=world.namespace)


def rolled_out(world: World) -> bool:
    state = state_of(world)
    return state.seen and state.peopled == 1 and len(state.pods) == len(state.live) == state.replicas
