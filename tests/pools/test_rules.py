"""Each rule of a change of hands, on pools that are made up."""

from typing import Any

import pytest

from apps.gateways import labels
from apps.pools.handover import rules
from apps.pools.handover.wish import Wish
from apps.pools.live_view import PodFacts
from apps.pools.refusals import Moved, NeedsForce, NodeDraining, NotLive, UnknownBusiness, UnknownPod
from apps.pools.scaling.names import detached_app
from tests.pools.made_up import pod, view


def check(wished: str, one: PodFacts, *others: PodFacts, closed: tuple[str, ...] = (), **more: Any) -> None:
    seen = view(one, *others, closed=closed)
    wish = Wish(pod=one.name, business=wished, **more)
    rules.check_wish(wish, seen, rules.find(wish, seen))
    rules.check_harm(wish, seen, one, frozenset())


@pytest.mark.parametrize("business", ["production", "testing"])
def test_a_free_live_ready_pod_may_be_lent(business: str) -> None:
    check(business, pod())


def test_a_pod_that_the_pool_does_not_have_is_unknown() -> None:
    with pytest.raises(UnknownPod):
        rules.find(Wish(pod="other", business="testing"), view(pod()))


@pytest.mark.parametrize("word", ["", "nobody", "draining", "retiring", "RETIRING", "production "])
def test_only_businesses_of_the_pool_and_free_are_accepted(word: str) -> None:
    with pytest.raises(UnknownBusiness):
        check(word, pod())


@pytest.mark.parametrize(
    "state",
    [
        {"phase": "Failed", "state": "Evicted"},
        {"phase": "Succeeded"},
        {"deleting": True, "state": "Terminating"},
        {"owner_uid": "earlier-replicaset"},
        {"owner_uid": ""},
    ],
)
def test_a_pod_that_is_not_live_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(NotLive):
        check("production", pod(**state))


@pytest.mark.parametrize("word", ["draining", "retiring"])
def test_a_pod_between_two_businesses_is_the_portals_alone(word: str) -> None:
    with pytest.raises(Moved, match="being drained"):
        check("production", pod(business=word))
    check("production", pod(business=word), internal=True, force=True)


def test_a_pod_that_a_scale_down_took_out_of_its_replicaset_changes_hands_no_more() -> None:
    out = pod(business=labels.RETIRING, labels={labels.APP: detached_app("7")})
    with pytest.raises(Moved, match="being scaled away"):
        check(labels.UNASSIGNED, out, internal=True, force=True)


def test_a_cordoned_node_gets_no_business_but_gives_its_pod_back() -> None:
    with pytest.raises(NodeDraining):
        check("production", pod(), closed=("node-1",))
    check(labels.UNASSIGNED, pod(business="production"), pod("b", "production"), closed=("node-1",))


def test_a_pod_that_is_not_ready_is_asked_about_only_when_it_is_lent() -> None:
    with pytest.raises(NeedsForce, match="not Ready"):
        check("production", pod(ready=False))
    check(labels.UNASSIGNED, pod(business="production", ready=False))


@pytest.mark.parametrize(
    "other",
    [
        None,
        pod("b", "testing"),
        pod("b", "production", ready=False),
        pod("b", "production", phase="Failed"),
        pod("b", "production", owner_uid="earlier-replicaset"),
    ],
)
def test_the_last_serving_pod_is_asked_about(other: PodFacts | None) -> None:
    others = [other] if other else []
    with pytest.raises(NeedsForce, match="last pod that serves production"):
        check("testing", pod(business="production"), *others)
    check("testing", pod(business="production"), *others, force=True)


def test_pods_that_are_leaving_do_not_count_as_serving() -> None:
    one, two = pod("a", "production"), pod("b", "production")
    wish = Wish(pod="a", business="testing")
    rules.check_harm(wish, view(one, two), one, frozenset())
    with pytest.raises(NeedsForce):
        rules.check_harm(wish, view(one, two), one, {"uid-b"})


def test_a_business_without_a_service_has_no_floor() -> None:
    check("testing", pod(business="forgotten"))
