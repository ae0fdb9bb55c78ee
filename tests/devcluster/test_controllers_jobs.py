"""Jobs, budgets, quotas and namespaces of the development cluster."""

from __future__ import annotations

import pytest

from devcluster.errors import Forbidden
from devcluster.objects import Json, annotations_of, with_spec
from devcluster.resources import resource
from tests.devcluster.living import Living, condition


def job(name: str, command: str, restart: str = "Never", **spec: object) -> Json:
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", command]}
    template = {"spec": {"restartPolicy": restart, "containers": [container]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"template": template, **spec},
    }


def status(living: Living, name: str) -> Json:
    return living.get("jobs", name).get("status") or {}


async def over(living: Living, name: str, kind: str, within: float = 200) -> Json:
    await living.until(lambda: condition(living.get("jobs", name), kind).get("status") == "True", within)
    return living.get("jobs", name)


async def test_a_job_runs_its_completions_one_after_the_other() -> None:
    living = Living()
    living.create("jobs", job("ok", "sleep 1", completions=2))
    found = await over(living, "ok", "Complete")
    assert found["status"]["succeeded"] == 2 and "completionTime" in found["status"]
    assert len(living.pods()) == 2 and living.events("Completed")


async def test_parallel_pods_run_together() -> None:
    living = Living()
    living.create("jobs", job("wide", "sleep 5", completions=3, parallelism=3))
    await living.until(lambda: status(living, "wide").get("active") == 3)
    await over(living, "wide", "Complete")


async def test_failures_beyond_the_backoff_limit_fail_the_job() -> None:
    living = Living()
    living.create("jobs", job("fails", "exit 3", backoffLimit=1))
    found = await over(living, "fails", "Failed")
    assert condition(found, "Failed")["reason"] == "BackoffLimitExceeded"
    assert found["status"]["failed"] == 2


async def test_a_job_past_its_deadline_fails_and_its_pods_go() -> None:
    living = Living()
    living.create("jobs", job("late", "sleep 500", activeDeadlineSeconds=5))
    found = await over(living, "late", "Failed")
    assert condition(found, "Failed")["message"] == "Job was active longer than specified deadline"
    await living.until(lambda: not living.pods())


async def test_indexed_pods_know_their_numbers() -> None:
    living = Living()
    living.create("jobs", job("many", "sleep 1", completions=3, parallelism=3, completionMode="Indexed"))
    found = await over(living, "many", "Complete")
    assert found["status"]["completedIndexes"] == "0-2"
    marks = {annotations_of(pod)["batch.kubernetes.io/job-completion-index"] for pod in living.pods()}
    assert marks == {"0", "1", "2"}


async def test_a_suspended_job_waits() -> None:
    living = Living()
    living.create("jobs", job("held", "sleep 1", suspend=True))
    await living.until(lambda: condition(living.get("jobs", "held"), "Suspended").get("status") == "True")
    assert not living.pods()
    living.change("jobs", "held", lambda obj: with_spec(obj, suspend=False))
    await over(living, "held", "Complete")


async def test_a_finished_job_goes_after_its_time_to_live() -> None:
    living = Living()
    living.create("jobs", job("brief", "true", ttlSecondsAfterFinished=10))
    await over(living, "brief", "Complete")
    await living.until(lambda: living.find("jobs", "brief") is None and not living.pods())


async def test_a_budget_counts_healthy_pods_and_allows_the_surplus() -> None:
    living = Living()
    living.deploy(replicas=3)
    await living.settled()
    spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "llm"}}}
    living.create("poddisruptionbudgets", {"metadata": {"name": "keep"}, "spec": spec})
    await living.until(
        lambda: living.get("poddisruptionbudgets", "keep")["status"].get("disruptionsAllowed") == 1
    )
    living.world.mishaps.add({"kind": "unready", "labels": {"app": "llm"}})
    await living.until(
        lambda: living.get("poddisruptionbudgets", "keep")["status"]["disruptionsAllowed"] == 0
    )
    found = living.get("poddisruptionbudgets", "keep")["status"]
    assert (found["expectedPods"], found["desiredHealthy"], found["currentHealthy"]) == (3, 2, 2)


async def test_a_quota_bites_only_after_its_status_shows_it() -> None:
    living = Living(lag=5.0)
    living.create("resourcequotas", {"metadata": {"name": "fence"}, "spec": {"hard": {"pods": "0"}}})
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "main", "image": "busybox"}]}}
    living.create("pods", {**pod, "metadata": {"name": "early"}})
    await living.until(lambda: living.get("resourcequotas", "fence").get("status", {}).get("hard"))
    assert living.get("resourcequotas", "fence")["status"]["used"] == {"pods": "1"}
    with pytest.raises(Forbidden, match="exceeded quota: fence"):
        living.create("pods", {**pod, "metadata": {"name": "late"}})


async def test_a_namespace_is_furnished_and_emptied() -> None:
    living = Living()
    living.world.registry.create(resource("namespaces"), {"metadata": {"name": "team"}}, manager="test")
    await living.until(lambda: living.find("serviceaccounts", "default", "team"))
    living.create("configmaps", {"metadata": {"name": "notes", "namespace": "team"}})
    living.world.registry.delete(resource("namespaces"), "", "team")
    await living.until(lambda: living.find("namespaces", "team", "") is None)
    assert living.find("configmaps", "notes", "team") is None
