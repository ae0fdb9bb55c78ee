"""The status of ResourceQuotas: a new or changed limit counts from the moment it is written here."""

from __future__ import annotations

from collections.abc import Hashable
from typing import cast

from devcluster.admission import quota_used
from devcluster.controllers.base import Controller
from devcluster.controllers.pods import is_finished
from devcluster.objects import Key, key_of, spec_of, status_of, with_status
from devcluster.quantities import written
from devcluster.resources import resource
from devcluster.store import Event

QUOTAS = resource("resourcequotas")
COUNTED = ("pods", "services", "configmaps", "secrets", "persistentvolumeclaims", "deployments", "jobs")


class QuotaController(Controller):
    name = "quota"

    def start(self) -> None:
        self.quotas = self.watch(QUOTAS, self.enqueue)
        for plural in COUNTED:
            self.watch(resource(plural), self._on_counted)
        for key in self.quotas.names():
            self.queue.add(key)

    def _on_counted(self, event: Event) -> None:
        changed = event.previous is not None and event.type == "MODIFIED"
        if changed and is_finished(event.obj) == is_finished(event.previous or {}):
            return
        for quota in self.quotas.list(event.key[0]):
            self.queue.add(key_of(quota))

    def sync(self, key: Hashable) -> None:
        quota = self.quotas.get(cast(Key, key))
        if quota is None:
            return
        used = quota_used(self.store, quota)
        status = {
            "hard": dict(spec_of(quota).get("hard") or {}),
            "used": {name: written(value, name) for name, value in sorted(used.items())},
        }
        if status != status_of(quota):
            self.update_status(QUOTAS, with_status(quota, status))
