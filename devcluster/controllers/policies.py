"""The status of ValidatingAdmissionPolicies: read, and what is wrong with their expressions."""

from __future__ import annotations

from collections.abc import Hashable
from typing import cast

from devcluster.cel import CelError
from devcluster.controllers.base import Controller
from devcluster.objects import Json, Key, generation_of, spec_of, status_of, with_status
from devcluster.policies import POLICIES, expression


class PolicyController(Controller):
    name = "validatingadmissionpolicy-status"

    def start(self) -> None:
        self.policies = self.watch(POLICIES, self.enqueue)
        for key in self.policies.names():
            self.queue.add(key)

    def sync(self, key: Hashable) -> None:
        policy = self.live(POLICIES, cast(Key, key))
        if policy is None:
            return
        warnings = list(_warnings(policy))
        checking = {"typeChecking": {"expressionWarnings": warnings} if warnings else {}}
        status = {"observedGeneration": generation_of(policy), **checking}
        if status != status_of(policy):
            self.update_status(POLICIES, with_status(policy, status))


def _warnings(policy: Json) -> list[Json]:
    found = []
    for index, item in enumerate(spec_of(policy).get("validations") or ()):
        try:
            expression(item["expression"])
        except CelError as error:
            field = f"spec.validations[{index}].expression"
            found.append({"fieldRef": field, "warning": f"{error}"})
    return found
