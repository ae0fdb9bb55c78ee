"""Postgres goes and comes back under all processes: 503 in words, then everything goes on by itself."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.outages.portal import POOL, Portal, away, problem, timed
from tests.processes import until

pytestmark = [pytest.mark.xdist_group("outages"), pytest.mark.devcluster]
PAGES = ("/c/demo/nodes/", f"/c/demo/pools/default/{POOL}/", "/operations/", "/accounts/profile/")


def test_while_it_is_away_everything_says_so_in_its_own_form(portal: Portal) -> None:
    with away(portal.service("postgres")), ThreadPoolExecutor(8) as people:
        pages = people.map(portal.bob.http.get, PAGES)
        htmx = people.submit(portal.bob.http.get, PAGES[1], headers={"HX-Request": "true"})
        calls = [people.submit(ask, portal) for ask in (listed, moved, token)]
        ready = people.submit(portal.alice.http.get, "/readyz")
        assert portal.alice.http.get("/healthz").status_code == 200
        timed("pages", lambda: [is_page(page) for page in pages])
        assert htmx.result().status_code == 503 and "toast" in htmx.result().headers["hx-trigger"]
        timed("calls", lambda: [is_problem(call.result()) for call in calls])
        assert ready.result().status_code == 503 and "postgres" in ready.result().text
    until(lambda: portal.alice.http.get("/readyz").status_code == 200, seconds=30, what="readiness")
    assert {portal.bob.http.get(path).status_code for path in PAGES} == {200}


def is_page(page: httpx.Response) -> None:
    assert page.status_code == 503 and int(page.headers["retry-after"]) >= 1
    assert "database does not answer" in page.text and "psycopg" not in page.text


def is_problem(answer: httpx.Response) -> None:
    assert answer.status_code == 503 and int(answer.headers["retry-after"]) >= 1
    assert problem(answer)["code"] == "database_away"


def listed(portal: Portal) -> httpx.Response:
    return portal.alice.api("GET", "pods")


def moved(portal: Portal) -> httpx.Response:
    return portal.assign("pool-x", "production")


def token(portal: Portal) -> httpx.Response:
    headers = {"Authorization": "Bearer hpp_" + "x" * 40}
    return httpx.get(f"{portal.stack.url}/api/cluster-status", headers=headers, timeout=30)


def test_a_running_operation_ends_truthfully_and_new_ones_run(portal: Portal) -> None:
    portal.mishap(kind="slow_start", seconds=5)
    pk = portal.deploy("survivor", replicas=2)
    until(lambda: portal.alice.ask(f"operations/{pk}")["lastSeq"], seconds=30, what="its first line")
    before = portal.alice.ask(f"operations/{pk}/lines?limit=5000")["lines"]
    with away(portal.service("postgres")):
        time.sleep(4)  # long enough for worker, beat and watcher to meet it
    operation = timed("the running operation ended", lambda: portal.ended(pk))
    assert operation["status"] == "succeeded", operation
    lines = portal.alice.ask(f"operations/{pk}/lines?limit=5000")["lines"]
    assert lines[: len(before)] == before
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    ready = {row["deploymentName"]: row["readyReplicas"] for row in portal.alice.ask("deployments")}
    assert ready["survivor"] == 2
    assert portal.ended(portal.deploy("newcomer"))["status"] == "succeeded"


def test_what_changed_meanwhile_is_in_mirror_history_and_on_the_open_page(portal: Portal) -> None:
    pod = sorted(portal.pods())[0]
    portal.lent(pod, "unassigned")
    page = portal.bob.open(f"/c/demo/pools/default/{POOL}/pods/")
    page.heard(pod, since=page.opened, seconds=20)
    began = time.monotonic()
    with away(portal.service("postgres")):
        body = {"metadata": {"labels": {"business": "testing"}}}
        portal.outside.patch_merge("pods", pod, body, namespace="default")
        time.sleep(1)  # the watcher hears of it while nothing can be written
    timed("in the mirror", lambda: until(lambda: seen(portal, pod) == "testing", seconds=60))
    rows = until(lambda: external(portal, pod), seconds=30, what="the history's row")
    assert len(rows) == 1
    page.heard(f"{pod}(?:(?!<tr).)*testing", since=began, seconds=60)
    page.close()


def seen(portal: Portal, pod: str) -> str:
    answer = portal.alice.api("GET", f"c/demo/pools/default/{POOL}")
    pods = answer.json()["pods"] if answer.status_code == 200 else []
    return next((item["business"] for item in pods if item["name"] == pod), "")


def external(portal: Portal, pod: str) -> list[dict[str, object]]:
    rows = portal.alice.ask(f"c/demo/pools/default/{POOL}/history")
    return [row for row in rows if row["pod"] == pod and row["source"] == "external" and not row["to"]]
