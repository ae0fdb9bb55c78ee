"""Service routing as kube-proxy does it: a random ready endpoint of slices that arrive late."""

from __future__ import annotations

from devcluster.controllers.base import Controller
from devcluster.controllers.endpoints import SERVICE_NAME
from devcluster.objects import Json, Key, labels_of, spec_of
from devcluster.resources import resource
from devcluster.store import Event

SERVICES = resource("services")
SLICES = resource("endpointslices")


class ServiceProxy(Controller):
    name = "proxy"

    def start(self) -> None:
        self.services = self.watch(SERVICES)
        self.slices = self.watch(SLICES, self._on_slice)
        self._of: dict[Key, dict[str, Json]] = {}
        for entry in self.slices.list():
            self._keep(entry)

    def _on_slice(self, event: Event) -> None:
        if event.type == "DELETED":
            for known in self._of.values():
                known.pop(event.key[1], None) if event.key[0] == _namespace(event.obj) else None
        else:
            self._keep(event.obj)

    def _keep(self, entry: Json) -> None:
        service = labels_of(entry).get(SERVICE_NAME)
        if service:
            self._of.setdefault((_namespace(entry), service), {})[entry["metadata"]["name"]] = entry

    def target(self, namespace: str, name: str, port: int | str) -> tuple[str, str, int] | None:
        """(namespace, pod, port) for one new connection, or None when no endpoint can take it.

        Ready endpoints; when there are none, those that still serve while they terminate, as upstream.
        """
        service = self.services.get((namespace, name))
        wanted = _port_name(service, port) if service is not None else None
        if wanted is None:
            return None
        rows = [row for entry in self._of.get((namespace, name), {}).values() for row in _rows(entry, wanted)]
        ready = [row for row in rows if row[0].get("ready")]
        ending = [row for row in rows if row[0].get("serving") and row[0].get("terminating")]
        chosen = ready or ending
        if not chosen:
            return None
        _, pod, number = self.rng.choice(chosen)
        return namespace, pod, number


def _namespace(entry: Json) -> str:
    return str(entry["metadata"]["namespace"])


def _port_name(service: Json, port: int | str) -> str | None:
    """The name of the Service's port asked for by number, name, or "" for the only one."""
    ports = spec_of(service).get("ports") or []
    if port == "" and len(ports) == 1:
        return str(ports[0].get("name", ""))
    for entry in ports:
        if str(port) in (str(entry["port"]), entry.get("name")):
            return str(entry.get("name", ""))
    return None


def _rows(entry: Json, port_name: str) -> list[tuple[Json, str, int]]:
    number = next((port["port"] for port in entry["ports"] or () if port.get("name", "") == port_name), None)
    if number is None:
        return []
    return [
        (endpoint["conditions"], endpoint["targetRef"]["name"], number)
        for endpoint in entry["endpoints"] or ()
        if endpoint.get("targetRef")
    ]
