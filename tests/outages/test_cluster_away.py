"""The API server answers with errors, hangs, refuses the portal, or is gone: words, truth, and recovery."""

import re
import signal
from pathlib import Path

import pytest

from tests.outages.portal import POOL, STRANGER, Portal, problem, register, timed, toast
from tests.processes import until

pytestmark = [pytest.mark.xdist_group("outages"), pytest.mark.devcluster]

# What the cluster answers to the patch -> how often until the portal gives up, and what it may say then.
REFUSALS = {
    409: (1, {409}),
    410: (1, {502}),
    422: (1, {409}),
    500: (2, {409}),
    503: (2, {409, 503}),
}


@pytest.mark.parametrize("status", REFUSALS)
def test_an_action_says_what_the_cluster_answered_and_leaves_the_truth(portal: Portal, status: int) -> None:
    pod, (times, expected) = sorted(portal.pods())[0], REFUSALS[status]
    portal.lent(pod, "unassigned")
    for tried in (portal.assign, portal.assign_by_page):
        portal.mishap(kind="answer", status=status, verb="patch", resource="pods", count=times)
        answer = tried(pod, "production")
        words = problem(answer)["detail"] if tried == portal.assign else toast(answer)
        assert answer.status_code in expected, words
        assert portal.truth()[pod] == "unassigned"
        portal.calm()
    print(f"{status}: {answer.status_code}, {words}")
    portal.lent(pod, "production")


def test_a_request_to_slow_down_is_obeyed(portal: Portal) -> None:
    pod = sorted(portal.pods())[0]
    portal.lent(pod, "unassigned")
    portal.mishap(kind="answer", status=429, retry_after=1, verb="patch", resource="pods", count=1)
    answer = timed("an action that the cluster slowed down", lambda: portal.assign(pod, "production"))
    assert answer.status_code == 200 and portal.truth()[pod] == "production"


@pytest.mark.parametrize("status", [*REFUSALS, 429])
def test_a_refused_look_changes_nothing_and_says_so(portal: Portal, status: int) -> None:
    pod = sorted(portal.pods())[0]
    portal.lent(pod, "unassigned")
    portal.mishap(kind="answer", status=status, verb="get", resource="deployments")
    said = problem(answer := portal.assign(pod, "production"))
    assert answer.status_code in (409, 422, 429, 502, 503), said
    assert portal.truth()[pod] == "unassigned"
    assert portal.alice.http.get(f"/c/demo/pools/default/{POOL}/").status_code == 200


@pytest.mark.parametrize("status", [422, 500])
def test_an_operation_ends_in_the_clusters_words(portal: Portal, status: int) -> None:
    words = f"no room for hats {status}"
    portal.mishap(kind="answer", status=status, method="PATCH", resource="deployments", message=words)
    portal.mishap(kind="answer", status=status, method="POST", resource="deployments", message=words)
    operation = portal.ended(portal.deploy(f"refused-{status}"))
    assert operation["status"] == "failed" and words in operation["message"], operation
    assert not [
        row for row in portal.alice.ask("deployments") if row["deploymentName"] == f"refused-{status}"
    ]


def test_an_answer_that_is_lost_is_settled_by_itself(portal: Portal) -> None:
    pod = sorted(portal.pods())[0]
    portal.lent(pod, "unassigned")
    portal.mishap(kind="answer", status=500, verb="patch", resource="pods", after=True, count=1)
    answer = portal.assign(pod, "production")
    assert answer.status_code == 200 or problem(answer)["code"] == "unsettled"
    until(lambda: portal.truth()[pod] == portal.pods()[pod] == "production", seconds=30, what="the truth")
    rows = portal.alice.ask(f"c/demo/pools/default/{POOL}/history")
    assert len([row for row in rows if row["pod"] == pod and not row["to"]]) == 1


def test_a_cluster_that_hangs_costs_seconds_and_is_named(portal: Portal) -> None:
    pod = sorted(portal.pods())[0]
    portal.lent(pod, "unassigned")
    portal.mishap(kind="hang", seconds=120, verb="patch", resource="pods")
    answer = timed("an action on a cluster that hangs", lambda: portal.assign(pod, "production"))
    assert answer.status_code == 503 and problem(answer)["code"] in ("unsettled", "cluster_timed_out")
    assert portal.alice.http.get("/c/demo/pods/").status_code == 200
    portal.calm()
    until(lambda: portal.truth()[pod] == portal.pods()[pod], seconds=30, what="the mirror to agree")
    timed("settled", lambda: portal.lent(pod, "production"))


@pytest.mark.parametrize(("token", "words"), [("unknown", "credentials"), (STRANGER, "may not")])
def test_a_cluster_that_refuses_the_portal_is_told_from_one_that_refuses_the_person(
    portal: Portal, tmp_path: Path, token: str, words: str
) -> None:
    kubeconfig = portal.stack.kubeconfig.read_text()
    other = tmp_path / "kubeconfig"
    other.write_text(re.sub(r"token: \S+", f"token: {token}", kubeconfig))
    pod = sorted(portal.pods())[0]
    register(portal, other)
    try:
        answer = portal.assign(pod, "testing")
        said = problem(answer)
        assert answer.status_code == 502 and "The cluster refused the portal" in said["detail"], said
        assert said["code"] in ("cluster_forbids", "cluster_refuses_login")
        state = until(
            lambda: portal.state() if portal.state()["error"] else None, seconds=30, what="an error"
        )
        assert state["stale"] and re.search(words, state["error"], re.IGNORECASE), state["error"]
        page = portal.bob.page("/c/demo/nodes/")
        assert "showing" in page.lower() and "Traceback" not in page
    finally:
        register(portal, portal.stack.kubeconfig)
    timed("the mirror follows again", portal.recovered)
    portal.lent(pod, "testing")


def test_watches_that_are_cut_and_forgotten_lose_nothing(portal: Portal) -> None:
    pod = sorted(portal.pods())[0]
    for turn, business in enumerate(("production", "testing", "production")):
        portal.mishap(kind="compact")
        portal.mishap(kind="cut_watches")
        portal.mishap(kind="answer", status=410, verb="watch", count=6)
        body = {"metadata": {"labels": {"business": business}}}
        portal.outside.patch_merge("pods", pod, body, namespace="default")
        until(lambda wanted=business: portal.pods().get(pod) == wanted, seconds=30, what=f"change {turn}")


def test_a_frozen_cluster_is_noticed_and_followed_again(portal: Portal) -> None:
    pod = sorted(portal.pods())[0]
    cluster = portal.stack.programs["cluster"]
    cluster.signal(signal.SIGSTOP)
    try:
        pages = {path: portal.bob.http.get(path).status_code for path in ("/c/demo/pods/", "/c/demo/nodes/")}
        answer = timed("an action on a frozen cluster", lambda: portal.assign(pod, "production"))
        assert set(pages.values()) == {200} and answer.status_code == 503 and problem(answer)
    finally:
        cluster.signal(signal.SIGCONT)
    portal.recovered()
    until(lambda: portal.truth()[pod] == portal.pods()[pod], seconds=30, what="the mirror to agree")
