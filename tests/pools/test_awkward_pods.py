"""Evicted, failed, Pending, NotReady, nodeless and ending pods, in whatever the portal plans: pure."""

from dataclasses import replace
from typing import Any

import pytest

from apps.gateways.labels import RETIRING, UNASSIGNED
from apps.pools.distribution.plan import of_view
from apps.pools.distribution.wanted import Wanted
from apps.pools.live_view import PodFacts
from apps.pools.reconciler.sight import Sight
from apps.pools.rollouts.planning import Rolling, next_act
from apps.pools.scaling.planning import unsettled
from apps.pools.scaling.state import PoolState
from apps.pools.shares.entitlement import Rule
from apps.pools.shares.planning import next_act as next_share
from tests.pools.made_up import OWNER, pod, view
from tests.pools.sharing import BUSINESSES, shared

EARLIER = "earlier-replicaset"
ENDED: dict[str, dict[str, Any]] = {
    "evicted": {"phase": "Failed", "state": "Evicted", "ready": False},
    "failed": {"phase": "Failed", "state": "Error", "ready": False},
    "completed": {"phase": "Succeeded", "state": "Completed", "ready": False},
    "ending": {"deleting": True, "state": "Terminating", "ready": False},
    "orphaned": {"owner_uid": ""},
}
AILING: dict[str, dict[str, Any]] = {
    "pending": {"phase": "Pending", "state": "Pending", "ready": False, "node": ""},
    "starting": {"state": "Running", "ready": False},
    "crashing": {"state": "CrashLoopBackOff", "ready": False},
    "nodeless": {"node": "", "ready": False, "state": "NodeLost"},
}
ODD = ENDED | AILING


def odd(kind: str, business: str = UNASSIGNED, **more: Any) -> PodFacts:
    return pod("odd", business, **{**ODD[kind], **more})


@pytest.mark.parametrize("kind", ENDED)
def test_pods_that_ended_are_neither_shared_out_nor_counted(kind: str) -> None:
    found = of_view(view(pod("a"), pod("b"), odd(kind)), Wanted({"production": 1, "testing": 1}))
    assert {move.pod for move in found.moves} == {"a", "b"}
    assert sum(found.after.values()) == 2


@pytest.mark.parametrize("kind", AILING)
def test_pods_that_do_not_answer_are_lent_last_and_asked_about(kind: str) -> None:
    found = of_view(view(pod("a"), odd(kind)), Wanted({"production": 1, "unassigned": 1}))
    assert [move.pod for move in found.moves] == ["a"] and not found.questions
    found = of_view(view(pod("a"), odd(kind)), Wanted({"production": 1}))
    assert found.questions == ("odd is lent although it is not Ready.",)


@pytest.mark.parametrize("kind", ODD)
def test_shares_are_never_met_with_such_a_pod(kind: str) -> None:
    rule = Rule("production", count=1, floor=1)
    assert next_share(shared([odd(kind)], rule)) is None
    act = next_share(shared([odd(kind), pod("a")], rule))
    assert act is not None and act.pod == "a"


@pytest.mark.parametrize("kind", ODD)
def test_a_business_whose_only_pod_is_such_a_one_is_below_its_floor(kind: str) -> None:
    act = next_share(shared([odd(kind, "production"), pod("a")], Rule("production", count=1, floor=1)))
    assert act is not None and (act.pod, act.business) == ("a", "production")
    assert "below its floor: 0 of 1" in act.why


def rolling(*pods: PodFacts, **wanted: int) -> Rolling:
    """Pods of two versions; the endpoints list whatever is lent and Ready."""
    update = {"maxSurge": 1, "maxUnavailable": 0}
    deployment = {
        "metadata": {"name": "llm", "namespace": "default"},
        "spec": {"replicas": 2, "strategy": {"rollingUpdate": update}},
    }
    sets = ({"metadata": {"uid": EARLIER}}, {"metadata": {"uid": OWNER}})
    listed = {
        tag: frozenset(item.uid for item in pods if item.business == tag and item.ready) for tag in BUSINESSES
    }
    return Rolling(Sight(PoolState(deployment, sets, pods, {}), BUSINESSES, listed), wanted)


@pytest.mark.parametrize("kind", ODD)
def test_a_rollout_lends_no_such_new_pod_and_keeps_the_old_one_until_another_serves(kind: str) -> None:
    old = pod("old", "production", owner_uid=EARLIER)
    assert next_act(rolling(old, odd(kind), production=1)) is None
    act = next_act(rolling(old, odd(kind), pod("new"), production=1))
    assert act is not None and (act.pod, act.business) == ("new", "production")
    act = next_act(rolling(old, pod("new", "production"), production=1))
    assert act is not None and (act.pod, act.business) == ("old", RETIRING)


@pytest.mark.parametrize("kind", AILING)
def test_in_a_rollout_the_place_of_an_old_pod_that_does_not_answer_is_taken_first(kind: str) -> None:
    sick = odd(kind, "testing", owner_uid=EARLIER)
    well = pod("well", "production", owner_uid=EARLIER)
    act = next_act(rolling(well, sick, pod("new"), production=1, testing=1))
    assert act is not None and (act.pod, act.business) == ("new", "testing")


@pytest.mark.parametrize("kind", ENDED)
def test_no_scale_while_a_pod_that_ended_stands_for_one_that_is_wished_for(kind: str) -> None:
    seen = {"status": {"observedGeneration": 1}, "metadata": {"generation": 1, "uid": OWNER}}
    deployment = {**seen, "spec": {"replicas": 2}}
    deployment["metadata"] = {"name": "llm", "namespace": "default", **seen["metadata"]}
    state = PoolState(deployment, (seen,), (pod("a"), odd(kind)), {})
    assert unsettled(state) == ["llm has 1 live pods of 2 wished for; wait until they agree."]
    whole = replace(state, pods=(*state.pods, pod("b")))
    assert unsettled(whole) == []
