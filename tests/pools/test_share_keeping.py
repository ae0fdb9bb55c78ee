"""Shares kept on a real cluster: deaths and absences healed, two at once, people asked before they stray."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connections
from pytest_django import Settings

from apps.accounts.models import User
from apps.gateways import labels
from apps.pools.models import Aside, Holding, Intent, Share, ShareException, SharePolicy, Turn
from apps.pools.reconciler import turns
from apps.pools.reconciler.acts import Act, perform
from apps.pools.reconciler.reconciling import Report, reconcile
from apps.pools.reconciler.sight import look
from apps.pools.refusals import Outdated
from apps.pools.shares.actions import clear_aside, end_exception, set_shares, switch_shares
from apps.pools.shares.asking import Answer, NeedsShare
from apps.pools.shares.wishes import Changed, ShareProblem, SharesWish, ShareWish
from apps.pools.statuses import IntentState, Source
from tests.pools.scaling import begin
from tests.pools.sharing import split
from tests.pools.watcher import watching
from tests.pools.world import Stage, World, assign, make_stage, world_on
from tests.processes import Devcluster, until


@pytest.fixture(scope="module")
def own(devcluster: Devcluster) -> Iterator[Stage]:
    """A pool of four that only these tests kill pods of."""
    stage = make_stage(devcluster)
    yield stage
    stage.drop()


@pytest.fixture
def pool(transactional_db: None, own: Stage) -> World:
    """Four ready, free pods, in the mirror."""
    world = world_on(own)
    world.mirror()
    return world


def share(world: World, by: User, *shares: ShareWish, **more: int) -> None:
    """Set and switch on."""
    set_shares(by=by, pool=world.target, wish=SharesWish(shares, **more))
    switch_shares(by=by, pool=world.target, enabled=True)


def keep(world: World) -> Report:
    return reconcile(world.portal, world.record)


def until_split(world: World, **wanted: int) -> None:
    """Work until the Ready pods are shared so."""

    def look() -> bool:
        keep(world)
        return split([pod for pod in world.pods() if pod.alive]) == wanted

    until(look, seconds=40, every=0.2, what=str(wanted), told=lambda: str(split(world.pods())))


def test_counts_are_given_from_the_stock_and_a_dead_pod_is_replaced(pool: World, alice: User) -> None:
    share(pool, alice, ShareWish("production", count=2, floor=2), ShareWish("testing", count=1))
    until_split(pool, production=2, testing=1, unassigned=1)
    victim = next(pod for pod in pool.pods() if pod.business == "production")
    pool.outside.delete("pods", victim.name, namespace=pool.namespace, grace=0)
    until_split(pool, production=2, testing=1, unassigned=1)
    made = Holding.objects.filter(business="production", source=Source.RECONCILER, by="reconciler")
    assert [item.reason for item in made.order_by("pk")][-1].startswith("production is below its floor")


def test_a_pod_that_hangs_is_replaced_kept_aside_and_lent_again_only_after_a_person_said_so(
    pool: World, alice: User
) -> None:
    share(pool, alice, ShareWish("production", count=2), patience=5)
    until_split(pool, production=2, unassigned=2)
    hung = next(pod for pod in pool.pods() if pod.business == "production")
    pool.mishap(kind="unready", namespace=pool.namespace, name=hung.name)
    until_split(pool, production=2, unassigned=1)
    until(lambda: (keep(pool), Aside.objects.filter(pod_name=hung.name).exists())[1], seconds=20, every=0.2)
    pool.calm()
    until(lambda: pool.pod(hung.name).ready, seconds=30, what="the pod to recover")
    switch_shares(by=alice, pool=pool.target, paused=True)
    assert keep(pool).done == []
    clear_aside(by=alice, pod=pool.pod_target(hung.name, ""))
    set_shares(by=alice, pool=pool.target, wish=SharesWish([ShareWish("production", count=4)], patience=5))
    switch_shares(by=alice, pool=pool.target, paused=False)
    until_split(pool, production=4)


def test_two_reconcilers_at_once_do_each_thing_once(pool: World, alice: User) -> None:
    share(pool, alice, ShareWish("production", count=1), ShareWish("testing", count=1))
    with ThreadPoolExecutor(4) as many:
        reports = list(many.map(lambda _number: in_thread(pool, keep), range(4)))
    assert sum(len(report.done) for report in reports) == 2
    assert split(pool.pods()) == {"production": 1, "testing": 1, "unassigned": 2}
    assert Intent.objects.filter(state=IntentState.DONE).count() == 2


def test_an_act_on_an_old_look_is_refused_and_without_that_check_both_would_act(pool: World) -> None:
    first, second, third, _rest = pool.names()
    stale = look(pool.portal, pool.record)
    perform(pool.portal, pool.record, Act(first, "", labels.UNASSIGNED, "production", ""), stale)
    again = Act(second, "", labels.UNASSIGNED, "production", "")
    with pytest.raises(Outdated):
        perform(pool.portal, pool.record, again, stale)
    unguarded = replace(look(pool.portal, pool.record), moves=10**9)
    perform(pool.portal, pool.record, again, unguarded)
    perform(pool.portal, pool.record, replace(again, pod=third), unguarded)
    assert split(pool.pods())["production"] == 3


def in_thread(world: World, work: Callable[[World], Report]) -> Report:
    try:
        return work(world)
    finally:
        connections.close_all()


def test_it_holds_while_an_operation_has_the_pool_and_says_so(pool: World, alice: User) -> None:
    begin(pool, alice, 5)
    share(pool, alice, ShareWish("production", count=1))
    report = keep(pool)
    assert report.done == []
    assert report.waits == ["alice is at work on the pool: Scale pool."]


def test_a_move_that_strays_is_asked_about_and_an_exception_ends(pool: World, alice: User) -> None:
    share(pool, alice, ShareWish("production", count=2), ShareWish("testing", count=1))
    until_split(pool, production=2, testing=1, unassigned=1)
    name = next(pod.name for pod in pool.pods() if pod.business == "production")
    with pytest.raises(NeedsShare) as question:
        assign(pool, alice, name, "testing", force=True)
    assert (question.value.problem_code, question.value.details["share"]) == ("needs_share", True)
    assert pool.business_of(name) == "production" and not ShareException.objects.exists()
    assign(pool, alice, name, "testing", share=Answer("exception", 30))
    assert keep(pool).done == []
    end_exception(by=alice, pod=pool.pod_target(name, ""))
    until_split(pool, production=2, testing=2)


def test_the_share_can_change_with_the_move_and_moves_that_fit_are_not_asked_about(
    pool: World, alice: User
) -> None:
    share(pool, alice, ShareWish("production", weight=3, floor=1), ShareWish("testing", weight=1), dwell=0)
    assign(pool, alice, pool.names()[0], "production")
    until_split(pool, production=3, testing=1)
    name = next(pod.name for pod in pool.pods() if pod.business == "production")
    assign(pool, alice, name, "testing", share=Answer("change"))
    weights = dict(Share.objects.values_list("business", "weight"))
    assert (weights, keep(pool).done) == ({"production": 2, "testing": 2}, [])
    assert split(pool.pods()) == {"production": 2, "testing": 2}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (ShareWish("nobody", count=1), "no business service"),
        (ShareWish("draining", count=1), "reserved"),
        (ShareWish("production", count=5), "need 5 pods, the pool has 4"),
        (ShareWish("production", count=1, floor=2), "above the share"),
        (ShareWish("production", weight=1, floor=5), "floors need 5"),
        (ShareWish("production", weight=0), "1 to 1000"),
        (ShareWish("production", count=-1), "0 or more"),
        (ShareWish("production"), "one of the two"),
        (ShareWish("production", count=1, weight=1), "one of the two"),
        (ShareWish("unassigned", count=1, floor=1), "no floor"),
    ],
)
def test_shares_that_cannot_be_kept_are_refused_in_words(
    pool: World, alice: User, wrong: ShareWish, words: str
) -> None:
    with pytest.raises(ShareProblem, match=words):
        set_shares(by=alice, pool=pool.target, wish=SharesWish([wrong]))
    assert not Share.objects.exists()


def test_shares_that_somebody_else_changed_are_not_overwritten(pool: World, alice: User) -> None:
    set_shares(by=alice, pool=pool.target, wish=SharesWish([ShareWish("production", count=1)], version=0))
    with pytest.raises(Changed):
        set_shares(by=alice, pool=pool.target, wish=SharesWish([ShareWish("testing", count=1)], version=0))
    assert SharePolicy.objects.get().shares.get().business == "production"


def test_a_change_of_a_pod_has_its_pool_looked_at_once(pool: World, alice: User) -> None:
    share(pool, alice, ShareWish("production", count=1))
    turns.work()
    assert split(pool.pods()) == {"production": 1, "unassigned": 3}
    assert turns.due() == []
    turns.changed(pool.cluster.pk, {(pool.namespace, pool.pool), (pool.namespace, "another")})
    assert [record.name for record in turns.due()] == [pool.pool]
    turns.work()
    assert turns.due() == [] and labels.UNASSIGNED in split(pool.pods())


def test_a_pool_is_looked_at_as_soon_as_patience_is_over(pool: World, alice: User) -> None:
    share(pool, alice, ShareWish("production", count=1), patience=5)
    until_split(pool, production=1, unassigned=3)
    lent = next(pod for pod in pool.pods() if pod.business == "production")
    pool.mishap(kind="unready", namespace=pool.namespace, name=lent.name)
    until(lambda: not pool.pod(lent.name).ready, seconds=30, what="the pod to be away")
    turns.ask(pool.record)
    turns.work()
    assert turns.due() == []
    until(lambda: turns.due() != [], seconds=20, what="the end of patience")
    until(lambda: (turns.work(), split(pool.pods()).get("production") == 1)[1], seconds=20, every=0.2)


def test_a_pool_whose_worker_died_is_looked_at_when_its_lease_is_over(
    pool: World, alice: User, settings: Settings
) -> None:
    settings.OPERATIONS_LEASE = 2
    share(pool, alice, ShareWish("production", count=1))
    assert turns.take(Turn.objects.get_or_create(pool=pool.record)[0])
    turns.work()
    assert split(pool.pods()) == {"unassigned": 4}
    until(lambda: (turns.work(), split(pool.pods()).get("production") == 1)[1], seconds=20, every=0.2)


def test_the_watcher_has_a_pool_with_shares_looked_at_when_a_pod_dies(
    pool: World, alice: User, tmp_path: Path
) -> None:
    share(pool, alice, ShareWish("production", count=1))
    with watching(pool, tmp_path):
        until(lambda: (turns.work(), nobody_asks())[1], seconds=40, every=0.5, what="quiet")
        victim = next(pod for pod in pool.pods() if pod.business == "production")
        pool.outside.delete("pods", victim.name, namespace=pool.namespace, grace=0)
        until(lambda: not nobody_asks(), seconds=30, what="the watcher to ask for a look")
        until(lambda: (turns.work(), split(pool.pods()).get("production") == 1)[1], seconds=30, every=0.2)


def nobody_asks() -> bool:
    return not Turn.objects.filter(due_at__isnull=False).exists()
