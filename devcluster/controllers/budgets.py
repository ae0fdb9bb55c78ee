"""The status of PodDisruptionBudgets: how many pods may be evicted now."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import cast

from devcluster.controllers.base import Controller
from devcluster.controllers.pods import is_active, is_finished, is_ready
from devcluster.objects import (
    Json,
    Key,
    controller_ref,
    epoch,
    generation_of,
    key_of,
    labels_of,
    matches,
    put_condition,
    rfc3339,
    spec_of,
    status_of,
    with_status,
)
from devcluster.resources import resource, resource_for
from devcluster.store import Event

PODS = resource("pods")
BUDGETS = resource("poddisruptionbudgets")
FORGOTTEN_AFTER = 120.0  # seconds an allowed eviction is believed to be on its way


class BudgetController(Controller):
    name = "budget"

    def start(self) -> None:
        self.budgets = self.watch(BUDGETS, self.enqueue)
        self.pods = self.watch(PODS, self._on_pod)
        for key in self.budgets.names():
            self.queue.add(key)

    def _on_pod(self, event: Event) -> None:
        for budget in self.budgets.list(event.key[0]):
            labels = [labels_of(pod) for pod in (event.obj, event.previous) if pod is not None]
            if any(matches(spec_of(budget).get("selector"), entry) for entry in labels):
                self.queue.add(key_of(budget))

    def sync(self, key: Hashable) -> None:
        budget = self.budgets.get(cast(Key, key))
        if budget is None:
            return
        selector = spec_of(budget).get("selector")
        pods = [
            pod
            for pod in self.pods.list(key_of(budget)[0])
            if matches(selector, labels_of(pod)) and not is_finished(pod)
        ]
        status = self._status(budget, pods)
        if status != status_of(budget):
            self.update_status(BUDGETS, with_status(budget, status))

    def _status(self, budget: Json, pods: list[Json]) -> Json:
        expected, desired = self._wanted(budget, pods)
        disrupted = self._disrupted(budget, pods)
        healthy = sum(is_ready(pod) and is_active(pod) and key_of(pod)[1] not in disrupted for pod in pods)
        allowed = max(0, healthy - desired) if expected else 0
        status = {
            "observedGeneration": generation_of(budget),
            "disruptionsAllowed": allowed,
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
            "conditions": self._conditions(budget, allowed),
        }
        return {**status, "disruptedPods": disrupted} if disrupted else status

    def _disrupted(self, budget: Json, pods: list[Json]) -> dict[str, str]:
        """Evictions that were allowed and not seen yet."""
        noted: dict[str, str] = status_of(budget).get("disruptedPods") or {}
        here = {key_of(pod)[1] for pod in pods if is_active(pod)}
        recent = self.clock.now() - FORGOTTEN_AFTER
        return {name: time for name, time in noted.items() if name in here and epoch(time) > recent}

    def _wanted(self, budget: Json, pods: list[Json]) -> tuple[int, int]:
        """(expected pods, desired healthy); shares are of what the owners want, as upstream counts."""
        spec = spec_of(budget)
        least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
        expected = len(pods) if isinstance(least, int) else self._scale_of_owners(pods)
        if least is not None:
            return expected, _share(least, expected)
        return expected, max(0, expected - _share(most or 0, expected))

    def _scale_of_owners(self, pods: list[Json]) -> int:
        owners = {ref["uid"]: (ref, key_of(pod)[0]) for pod in pods if (ref := controller_ref(pod))}
        total = sum(not controller_ref(pod) for pod in pods)
        for reference, namespace in owners.values():
            kind = resource_for(reference["apiVersion"], reference["kind"])
            owner = self.live(kind, (namespace, reference["name"]))
            total += int(spec_of(owner).get("replicas", 1)) if owner else 0
        return total

    def _conditions(self, budget: Json, allowed: int) -> list[Json]:
        old = status_of(budget).get("conditions") or []
        word = "True" if allowed else "False"
        before = next((entry for entry in old if entry["type"] == "DisruptionAllowed"), None)
        now = rfc3339(self.clock.now())
        entry = {
            "type": "DisruptionAllowed",
            "status": word,
            "reason": "SufficientPods" if allowed else "InsufficientPods",
            "message": "",
            "observedGeneration": generation_of(budget),
            "lastTransitionTime": before["lastTransitionTime"]
            if before and before["status"] == word
            else now,
        }
        return put_condition(old, entry)


def _share(value: int | str, total: int) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return math.ceil(int(value[:-1]) * total / 100)
    return int(value)
