"""Valkey goes and comes back under web, workers and watcher: pages answer, actions work, nothing is lost."""

import time

import pytest

from tests.outages.portal import POOL, Portal, away, timed
from tests.processes import until

pytestmark = [pytest.mark.xdist_group("outages"), pytest.mark.devcluster]
PAGES = ("/c/demo/", "/c/demo/nodes/", "/c/demo/pods/", "/c/demo/pools/", f"/c/demo/pools/default/{POOL}/")
ALWAYS = (*PAGES, "/operations/", "/audit/", "/c/demo/deploy/")


def test_pages_answer_and_actions_work_without_it(portal: Portal) -> None:
    pod = sorted(portal.pods())[0]
    portal.lent(pod, "unassigned")
    with away(portal.service("valkey")):
        codes = timed("eight pages", lambda: {path: portal.bob.http.get(path).status_code for path in ALWAYS})
        assert set(codes.values()) == {200}, codes
        ready = portal.alice.http.get("/readyz")
        assert ready.status_code == 503 and "redis" in ready.text
        assert portal.alice.http.get("/healthz").status_code == 200
        moved = timed("a pod changes hands", lambda: portal.assign(pod, "production"))
        assert moved.status_code == 200 and portal.truth()[pod] == "production"
        assert portal.alice.http.get("/accounts/profile/").status_code == 200
    until(lambda: portal.alice.http.get("/readyz").status_code == 200, seconds=30, what="readiness")
    until(lambda: portal.pods()[pod] == "production", seconds=30, what="the page to say so")


def test_operations_begun_meanwhile_run_once_it_is_back(portal: Portal) -> None:
    with away(portal.service("valkey")):
        first, second = portal.deploy("meanwhile-a"), portal.deploy("meanwhile-b")
        assert portal.alice.ask(f"operations/{first}")["status"] == "queued"
    ended = timed("both ended", lambda: [portal.ended(pk) for pk in (first, second)])
    assert [row["status"] for row in ended] == ["succeeded", "succeeded"]
    for row in ended:
        lines = portal.alice.ask(f"operations/{row['id']}/lines?limit=5000")["lines"]
        assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    running = portal.ended(portal.deploy("afterwards"))
    assert running["status"] == "succeeded"


def test_an_operation_that_runs_when_it_goes_ends_truthfully(portal: Portal) -> None:
    portal.mishap(kind="slow_start", seconds=4)
    pk = portal.deploy("through")
    until(lambda: portal.alice.ask(f"operations/{pk}")["lastSeq"], seconds=30, what="its first line")
    with away(portal.service("valkey")):
        time.sleep(3)  # the outage has to last
    operation = portal.ended(pk)
    ready = {row["deploymentName"]: row["readyReplicas"] for row in portal.alice.ask("deployments")}
    assert (operation["status"], ready.get("through")) == ("succeeded", 1), operation


def test_an_open_page_goes_on_and_is_quick_again(portal: Portal) -> None:
    pod = sorted(portal.pods())[0]
    portal.lent(pod, "testing")
    page = portal.bob.open(f"/c/demo/pools/default/{POOL}/pods/")
    page.heard(pod, since=page.opened, seconds=20)
    with away(portal.service("valkey")):
        began = time.monotonic()
        portal.lent(pod, "production")
        slow = page.heard(f"{pod}(?:(?!<tr).)*production", since=began, seconds=60)
    began = time.monotonic()
    portal.lent(pod, "testing")
    page.heard(f"{pod}(?:(?!<tr).)*testing", since=began, seconds=60)
    quick = []
    for business in ("production", "testing", "production"):
        began = time.monotonic()
        portal.lent(pod, business)
        quick.append(page.heard(f"{pod}(?:(?!<tr).)*{business}", since=began, seconds=30))
    page.close()
    print(f"without Valkey after {slow:.1f} s, afterwards after {', '.join(f'{n:.1f} s' for n in quick)}")


def test_valkey_that_blinks_three_times_loses_no_operation(portal: Portal) -> None:
    started = []
    for turn in range(3):
        with away(portal.service("valkey")):
            started.append(portal.deploy(f"blink-{turn}"))
        started.append(portal.deploy(f"blink-{turn}-back"))
    ended = [portal.ended(pk)["status"] for pk in started]
    assert ended == ["succeeded"] * 6, ended
