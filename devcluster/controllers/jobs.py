"""The Job controller: completions, parallelism, indexes, retries with backoff, deadlines and clean-up."""

from __future__ import annotations

from collections.abc import Hashable
from typing import cast

from devcluster.controllers.base import Controller
from devcluster.controllers.expectations import Expectations
from devcluster.controllers.job_status import (
    INDEX,
    Tally,
    finished_condition,
    is_complete,
    ranges,
    sets_conditions,
)
from devcluster.controllers.pods import is_active, is_ready, phase, restarts
from devcluster.controllers.references import claim
from devcluster.controllers.replicaset import pod_from_template
from devcluster.errors import ApiError
from devcluster.objects import (
    Json,
    Key,
    annotations_of,
    clean,
    condition,
    controller_ref,
    epoch,
    is_terminating,
    key_of,
    put_condition,
    random_suffix,
    rfc3339,
    spec_of,
    status_of,
    uid_of,
    with_status,
)
from devcluster.resources import resource
from devcluster.store import Event

PODS = resource("pods")
JOBS = resource("jobs")
COMPONENT = "job-controller"
FIRST_BACKOFF, LONGEST_BACKOFF = 10.0, 600.0


class JobController(Controller):
    name = "job"

    def start(self) -> None:
        self.expectations = Expectations(self.clock)
        self.tallies: dict[str, Tally] = {}
        self.jobs = self.watch(JOBS, self._on_job)
        self.pods = self.watch(PODS, self._on_pod)
        for key in self.jobs.names():
            self.queue.add(key)

    def _on_job(self, event: Event) -> None:
        if event.type == "DELETED":
            self.expectations.forget(event.key)
            self.tallies.pop(uid_of(event.obj), None)
        self.queue.add(event.key)

    def _on_pod(self, event: Event) -> None:
        reference = controller_ref(event.obj)
        if reference is None or reference["kind"] != "Job":
            return
        key = (event.key[0], reference["name"])
        if event.type == "ADDED":
            self.expectations.created(key)
        if event.type == "DELETED" or is_terminating(event.obj):
            self.expectations.deleted(key, uid_of(event.obj))
        self.queue.add(key)

    def sync(self, key: Hashable) -> None:
        job = self.jobs.get(cast(Key, key))
        if job is None or is_terminating(job):
            return
        if finished_condition(job) is not None:
            self._clean_up(job)
            return
        pods = self._claimed(job)
        tally = self.tallies.setdefault(uid_of(job), Tally())
        tally.count(pods)
        active = [pod for pod in pods if is_active(pod)]
        ending = self._ending(job, pods, tally)
        if ending is not None or spec_of(job).get("suspend"):
            self._delete_all(job, active)
            active = []
        elif self.expectations.satisfied(key_of(job)):
            active = self._manage(job, active, tally)
        self._write(job, active, tally, ending)

    def _claimed(self, job: Json) -> list[Json]:
        return claim(
            self,
            owner=job,
            owner_resource=JOBS,
            children=self.pods.list(key_of(job)[0]),
            child_resource=PODS,
            selector=spec_of(job).get("selector"),
        )

    def _ending(self, job: Json, pods: list[Json], tally: Tally) -> tuple[str, str, str] | None:
        """(condition, reason, message) when the Job is over, else None."""
        spec, now = spec_of(job), self.clock.now()
        failures = len(tally.failed)
        if spec["template"]["spec"].get("restartPolicy") == "OnFailure":
            failures = sum(restarts(pod) for pod in pods)
        if failures > spec.get("backoffLimit", 6):
            return "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"
        started, deadline = epoch(status_of(job).get("startTime")), spec.get("activeDeadlineSeconds")
        if deadline is not None and started and now >= started + deadline:
            return "Failed", "DeadlineExceeded", "Job was active longer than specified deadline"
        if is_complete(job, tally, pods):
            return "Complete", "CompletionsReached", "Reached expected number of succeeded pods"
        return None

    # --- pods ---------------------------------------------------------------------------------------

    def _manage(self, job: Json, active: list[Json], tally: Tally) -> list[Json]:
        spec = spec_of(job)
        wanted = spec.get("parallelism", 1)
        if spec.get("completions") is not None:
            wanted = min(wanted, spec["completions"] - len(tally.succeeded))
        elif tally.succeeded:
            wanted = len(active)
        if len(active) > wanted:
            surplus = sorted(active, key=lambda pod: (is_ready(pod), phase(pod) == "Running"))
            self._delete_all(job, surplus[: len(active) - wanted])
            return surplus[len(active) - wanted :]
        wait = self._backoff(tally)
        if len(active) == wanted or wait > 0:
            if wait > 0:
                self.queue.add_after(key_of(job), wait)
            return active
        return active + self._create_all(job, active, wanted - len(active), tally)

    def _backoff(self, tally: Tally) -> float:
        """Seconds until the next try after a failure: 10, 20, 40 ... 600 after the last one."""
        if not tally.failed:
            return 0.0
        pause = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (len(tally.failed) - 1))
        return float(tally.last_failure + pause - self.clock.now())

    def _create_all(self, job: Json, active: list[Json], count: int, tally: Tally) -> list[Json]:
        self.expectations.expect(key_of(job), creations=count)
        indexes = self._free_indexes(job, active, tally)
        made: list[Json] = []
        for number in range(count):
            try:
                made.append(self._create_pod(job, indexes[number] if indexes else None))
            except ApiError as error:
                self.expectations.created(key_of(job), count - len(made))
                message = f"Error creating: {error.message}"
                self.recorder.warning(COMPONENT, job, "FailedCreate", message)
                self.queue.retry(key_of(job))
                break
        return made

    def _free_indexes(self, job: Json, active: list[Json], tally: Tally) -> list[int]:
        if spec_of(job).get("completionMode") != "Indexed":
            return []
        taken = {annotations_of(pod).get(INDEX) for pod in active} | set(tally.succeeded.values())
        return [number for number in range(spec_of(job)["completions"]) if str(number) not in taken]

    def _create_pod(self, job: Json, index: int | None) -> Json:
        pod = self.create(PODS, pod_from_template(job) if index is None else self._indexed(job, index))
        self.recorder.normal(COMPONENT, job, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")
        return pod

    def _indexed(self, job: Json, index: int) -> Json:
        """A pod that knows its number, by annotation, label, host name and environment."""
        pod, name = pod_from_template(job), key_of(job)[1]
        mark = {INDEX: str(index)}
        metadata = {
            **{field: value for field, value in pod["metadata"].items() if field != "generateName"},
            "name": f"{name}-{index}-{random_suffix(self.rng)}",
            "labels": {**pod["metadata"]["labels"], **mark},
            "annotations": {**(pod["metadata"].get("annotations") or {}), **mark},
        }
        variable = {"name": "JOB_COMPLETION_INDEX", "value": str(index)}
        containers = [
            {**entry, "env": [*(entry.get("env") or ()), variable]} for entry in pod["spec"]["containers"]
        ]
        spec = {**pod["spec"], "hostname": f"{name}-{index}", "containers": containers}
        return {**pod, "metadata": metadata, "spec": spec}

    def _delete_all(self, job: Json, pods: list[Json]) -> None:
        for pod in pods:
            self.delete(PODS, pod)
            self.recorder.normal(COMPONENT, job, "SuccessfulDelete", f"Deleted pod: {key_of(pod)[1]}")

    # --- status -------------------------------------------------------------------------------------

    def _write(
        self, job: Json, active: list[Json], tally: Tally, ending: tuple[str, str, str] | None
    ) -> None:
        now, old = rfc3339(self.clock.now()), status_of(job)
        suspended = bool(spec_of(job).get("suspend"))
        status = clean(
            {
                "conditions": self._conditions(job, suspended),
                "startTime": None if suspended else old.get("startTime") or now,
                "active": len(active),
                "ready": sum(is_ready(pod) for pod in active),
                "succeeded": len(tally.succeeded),
                "failed": len(tally.failed),
            }
        )
        if spec_of(job).get("completionMode") == "Indexed" and tally.succeeded:
            status["completedIndexes"] = ranges(tally.succeeded.values())
        if ending is not None:
            status = sets_conditions(status, ending, now)
        if status != old:
            self.update_status(JOBS, with_status(job, status))
        if ending is not None:
            self._announce(job, *ending)
        self._look_again_at_deadline(job, status)

    def _announce(self, job: Json, kind: str, reason: str, message: str) -> None:
        if kind == "Complete":
            self.recorder.normal(COMPONENT, job, "Completed", "Job completed")
        else:
            self.recorder.warning(COMPONENT, job, reason, message)

    def _conditions(self, job: Json, suspended: bool) -> list[Json]:
        old = status_of(job).get("conditions") or []
        before = condition(old, "Suspended")
        word = "True" if suspended else "False"
        if (before is None and not suspended) or (before is not None and before["status"] == word):
            return list(old)
        now = rfc3339(self.clock.now())
        entry = {
            "type": "Suspended",
            "status": word,
            "lastProbeTime": now,
            "lastTransitionTime": now,
            "reason": "JobSuspended" if suspended else "JobResumed",
            "message": "Job suspended" if suspended else "Job resumed",
        }
        return put_condition(old, entry)

    def _look_again_at_deadline(self, job: Json, status: Json) -> None:
        deadline = spec_of(job).get("activeDeadlineSeconds")
        if deadline is not None and status.get("startTime"):
            left = epoch(status["startTime"]) + deadline - self.clock.now()
            if left > 0:
                self.queue.add_after(key_of(job), left)

    def _clean_up(self, job: Json) -> None:
        """ttlSecondsAfterFinished."""
        entry, keep = finished_condition(job), spec_of(job).get("ttlSecondsAfterFinished")
        if entry is None or keep is None:
            return
        left = epoch(entry["lastTransitionTime"]) + keep - self.clock.now()
        if left > 0:
            self.queue.add_after(key_of(job), left)
        else:
            self.delete(JOBS, job, propagation="Foreground")
