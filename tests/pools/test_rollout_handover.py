"""Rollouts that somebody begins with kubectl: each business keeps its pods, one new for one old."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.accounts.models import User
from apps.gateways import labels
from apps.pools.models import Holding, Rollout
from apps.pools.reconciler.care import in_care
from apps.pools.reconciler.reconciling import reconcile
from apps.pools.reconciler.sight import look
from apps.pools.rollouts.following import begin_told, wanted
from apps.pools.rollouts.pace import is_endless
from apps.pools.rollouts.plan import CannotRollOut, plan
from apps.pools.rollouts.wishes import VersionWish
from apps.pools.statuses import Source
from tests.pools.rolling import follow, lend, restart, resume, rolling_stage, split, told
from tests.pools.scaling import Losses, state_of
from tests.pools.streaming import streams_end_whole
from tests.pools.world import Stage, World, world_on
from tests.processes import Devcluster, until

WAIT = 2
"""Seconds."""
PLACES = (labels.UNASSIGNED, "testing")


@pytest.fixture(scope="module")
def own(devcluster: Devcluster) -> Iterator[Stage]:
    """A pool whose versions change; nobody else's tests see them."""
    stage = rolling_stage(devcluster)
    yield stage
    stage.drop()


@pytest.fixture
def pool(transactional_db: None, own: Stage, alice: User) -> World:
    """One pod of production, one of testing, one free."""
    resume(own)
    world = world_on(own)
    lend(world, alice, "production", "testing")
    return world


def test_a_rollout_by_kubectl_keeps_every_assignment(pool: World) -> None:
    before = set(pool.names())
    change(pool, minReadySeconds=WAIT)
    restart(pool, "1")
    until(lambda: state_of(pool).peopled == 2, what="the new version")
    pool.mirror()
    assert in_care(pool.cluster.pk, {(pool.namespace, pool.pool)}) == {(pool.namespace, pool.pool)}
    serving = follow(pool)
    assert split(pool) == {"production": 1, "testing": 1, "unassigned": 1}
    assert not before & set(pool.names())
    assert serving.fewest == {"llm-production": 1, "llm-testing": 1}
    assert not state_of(pool).deployment["spec"].get("paused")
    assert Holding.objects.filter(source=Source.RECONCILER, business="production").count() == 1
    row = Rollout.objects.get()
    assert (row.source, wanted(row)) == (Source.EXTERNAL, {"production": 1, "testing": 1})


def test_without_the_reconciler_the_same_rollout_loses_every_assignment(pool: World) -> None:
    restart(pool, "2")
    until(
        lambda: state_of(pool).peopled == 1 and set(split(pool)) == {"unassigned"},
        seconds=60,
        what=told(pool),
    )
    print("\na rollout without the hand-over: 2 of 2 assignments lost")


def test_a_lent_pod_that_dies_on_the_way_is_made_good_and_a_roll_back_keeps_assignments(pool: World) -> None:
    restart(pool, "3")
    until(lambda: state_of(pool).peopled == 2, what="the new version")
    until(
        lambda: (reconcile(pool.portal, pool.record), "production" in split(pool))[1], seconds=60, every=0.1
    )
    victim = next(pod for pod in state_of(pool).live if pod.business == "production")
    pool.outside.delete("pods", victim.name, namespace=pool.namespace, grace=0)
    restart(pool, "2")
    follow(pool)
    kept = {"production": 1, "testing": 1, "unassigned": 1}
    until(lambda: split(pool) == kept, seconds=30, what="every assignment", told=lambda: told(pool))
    assert Rollout.objects.count() == 1


def test_what_people_move_during_a_rollout_counts(pool: World) -> None:
    restart(pool, "4")
    until(lambda: state_of(pool).peopled == 2, what="the new version")
    until(
        lambda: (reconcile(pool.portal, pool.record), "production" in split(pool))[1], seconds=60, every=0.1
    )
    moved = next(pod for pod in state_of(pool).live if pod.business == "production")
    pool.relabel(moved.name, "testing")
    pool.mirror()
    follow(pool)
    assert split(pool) == {"testing": 2, "unassigned": 1}


def test_a_rollout_is_held_under_our_mark_while_a_lent_pod_could_be_taken(pool: World, alice: User) -> None:
    restart(pool, "5")
    until(lambda: (reconcile(pool.portal, pool.record), held(pool))[1], seconds=60, what="the hold")
    annotations = state_of(pool).deployment["metadata"]["annotations"]
    assert annotations[labels.ROLLOUT_HOLD].split()[0] == str(Rollout.objects.get().pk)


def test_a_hold_holds_when_the_new_version_is_whole(pool: World) -> None:
    """Its controller ends old pods of a paused Deployment, too, once all new ones count as available."""
    wished = {"minReadySeconds": WAIT, "progressDeadlineSeconds": 300}
    change(pool, **wished, strategy={"rollingUpdate": {"maxSurge": "100%"}})
    with Losses(pool) as losses:
        restart(pool, "6")
        until_whole(pool)
        until(lambda: ready_for(pool, WAIT + 1), seconds=60, every=0.2, what="new pods that stay Ready")
        assert state_of(pool).peopled == 2
        follow(pool)
        assert losses.lent == []
    assert split(pool) == {"production": 1, "testing": 1, "unassigned": 1}
    spec = state_of(pool).deployment["spec"]
    assert {name: spec[name] for name in wished} == wished


def test_pods_that_others_labelled_are_no_cheaper_than_the_portal_makes_them(pool: World) -> None:
    """The cost to delete them is still that of the hands that they were in before."""
    change(pool, minReadySeconds=WAIT)
    alive = [pod for pod in pool.pods() if pod.alive]
    free, lent = (next(pod.name for pod in alive if pod.business == word) for word in PLACES)
    pool.relabel(free, "testing")
    pool.relabel(lent, labels.UNASSIGNED)
    with Losses(pool) as losses:
        pool.mirror()
        restart(pool, "11")
        until(lambda: state_of(pool).peopled == 2, what="the new version")
        follow(pool)
        assert losses.lent == []
    assert split(pool) == {"production": 1, "testing": 1, "unassigned": 1}


def test_pods_that_others_labelled_while_nobody_looked_keep_their_business(pool: World) -> None:
    """The history first hears of such a pod when the new version is there already."""
    alive = [pod for pod in pool.pods() if pod.alive]
    free, lent = (next(pod.name for pod in alive if pod.business == word) for word in PLACES)
    assert not Holding.objects.filter(pod_name=free).exists()
    pool.relabel(free, "testing")
    pool.relabel(lent, labels.UNASSIGNED)
    born_after(pool, timezone.now())
    pool.mirror()
    follow(pool)
    assert split(pool) == {"production": 1, "testing": 1, "unassigned": 1}


def test_a_rollout_begins_with_the_pods_that_are_there(pool: World) -> None:
    """The history has not heard of an end yet."""
    lent = next(pod for pod in pool.pods() if pod.business == "testing")
    pool.outside.delete("pods", lent.name, namespace=pool.namespace, grace=0)
    assert Holding.objects.filter(pod_uid=lent.uid, to_at=None).exists()
    row = begin_told(pool.record, look(pool.portal, pool.record), source=Source.PORTAL)
    assert row.wanted == {"production": 1}


def born_after(pool: World, moment: datetime) -> None:
    """A new version whose pods are made in a later second than all that was before; the cluster notes whole
    ones.
    """
    until(lambda: timezone.now() > moment + timedelta(seconds=1), what="the next second")
    restart(pool, "12")
    until(lambda: state_of(pool).peopled == 2, what="the new version")


def test_a_roll_back_in_the_last_step_takes_no_lent_pod(pool: World) -> None:
    change(pool, minReadySeconds=WAIT, strategy={"rollingUpdate": {"maxSurge": "100%"}})
    before = state_of(pool).deployment["spec"]["template"]
    with Losses(pool) as losses:
        restart(pool, "9")
        until_whole(pool)
        with pytest.raises(CannotRollOut, match="end their requests"):
            plan(pool.portal, pool.record, VersionWish(restart="10"))
        lent = [pod.name for pod in pool.pods() if pod.business in ("production", "testing")]
        back = [{"op": "replace", "path": "/spec/template", "value": before}]
        with streams_end_whole(pool, *lent, tokens=800):
            pool.outside.patch_json("deployments", pool.pool, back, namespace=pool.namespace)
            follow(pool)
        assert losses.lent == []
    assert split(pool) == {"production": 1, "testing": 1, "unassigned": 1}
    assert state_of(pool).deployment["spec"]["minReadySeconds"] == WAIT


def test_a_second_version_that_comes_at_once_takes_no_pod_of_the_first(pool: World) -> None:
    """A rollout ends at once what does not count as available yet, lent and serving or not."""
    change(pool, minReadySeconds=WAIT, strategy={"rollingUpdate": {"maxSurge": "100%"}})
    kept = {"production": 1, "testing": 1, "unassigned": 1}
    restart(pool, "7")
    with Losses(pool) as losses:
        until(
            lambda: (reconcile(pool.portal, pool.record), split(pool) == kept and not held(pool))[1],
            seconds=60,
            what="the release of the first version",
        )
        restart(pool, "8")
        until(lambda: state_of(pool).peopled == 2, what="the second version")
        follow(pool)
        assert losses.lent == []
    assert split(pool) == kept


def change(world: World, **spec: object) -> None:
    """What `kubectl edit` does to the Deployment."""
    world.outside.patch_merge("deployments", world.pool, {"spec": spec}, namespace=world.namespace)


def until_whole(world: World) -> None:
    """All new pods are there, lent pods are among the old ones, and the hold lets no new one count."""
    until(
        lambda: (reconcile(world.portal, world.record), is_endless(state_of(world).deployment))[1],
        seconds=60,
        what="the firm hold",
    )


def held(world: World) -> bool:
    return bool(state_of(world).deployment["spec"].get("paused"))


def ready_for(world: World, seconds: float) -> bool:
    """Whether all pods of the new version have been Ready for so long."""
    live, limit = state_of(world).live, timezone.now() - timedelta(seconds=seconds)
    since = [parse_datetime(pod.ready_changed) for pod in live if pod.ready]
    return len(since) == 3 and all(moment and moment <= limit for moment in since)
