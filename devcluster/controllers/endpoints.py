"""EndpointSlices and Endpoints of every Service with a selector, from pods as this controller sees them."""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import cast

from devcluster.controllers.base import Controller
from devcluster.controllers.pods import is_finished, is_ready, node_name
from devcluster.errors import NotFound
from devcluster.objects import (
    Json,
    Key,
    clean,
    generated_name,
    is_terminating,
    key_of,
    labels_of,
    owner_reference,
    rfc3339,
    spec_of,
    status_of,
    uid_of,
    with_metadata,
)
from devcluster.resources import resource
from devcluster.store import Event

PODS = resource("pods")
NODES = resource("nodes")
SERVICES = resource("services")
SLICES = resource("endpointslices")
ENDPOINTS = resource("endpoints")
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
CHANGED_AT = "endpoints.kubernetes.io/last-change-trigger-time"
SLICE_SIZE = 100


class EndpointsController(Controller):
    name = "endpoints"

    def start(self) -> None:
        self.services = self.watch(SERVICES, self.enqueue)
        self.pods = self.watch(PODS, self._on_pod)
        self.slices = self.watch(SLICES, self._on_slice)
        self.nodes = self.watch(NODES)
        for key in self.services.names():
            self.queue.add(key)

    def _on_pod(self, event: Event) -> None:
        old = event.previous
        if old is not None and event.type == "MODIFIED" and _relevant(old) == _relevant(event.obj):
            return
        for service in self.services.list(event.key[0]):
            selector = spec_of(service).get("selector")
            if selector and any(_selects(selector, pod) for pod in (event.obj, old) if pod):
                self.queue.add(key_of(service))

    def _on_slice(self, event: Event) -> None:
        """Someone else changed or deleted a slice of ours: put it right."""
        name = labels_of(event.obj).get(SERVICE_NAME)
        if name and event.type == "DELETED" and labels_of(event.obj).get(MANAGED_BY):
            self.queue.add((event.key[0], name))

    def sync(self, key: Hashable) -> None:
        key = cast(Key, key)
        service = self.services.get(key)
        if service is None or not spec_of(service).get("selector"):
            self._remove(key) if service is None else None
            return
        selector = spec_of(service)["selector"]
        pods = [pod for pod in self.pods.list(key[0]) if _selects(selector, pod) and _addressable(pod)]
        pods.sort(key=lambda pod: key_of(pod)[1])
        self._write_slices(service, pods)
        self._write_endpoints(service, pods)

    def _remove(self, key: Key) -> None:
        """The Service is gone; slices go by their owner, Endpoints by their name."""
        try:
            self.store.delete(ENDPOINTS, *key)
        except NotFound:
            return

    # --- slices -------------------------------------------------------------------------------------

    def _write_slices(self, service: Json, pods: list[Json]) -> None:
        wanted = self._wanted(service, pods)
        existing = sorted(self._existing(service), key=lambda entry: entry["metadata"]["name"])
        by_ports = {
            _mark(entry["ports"]): [e for e in existing if _mark(e["ports"]) == _mark(entry["ports"])]
            for entry in wanted
        }
        kept = set()
        for content in wanted:
            spare = by_ports[_mark(content["ports"])]
            old = spare.pop(0) if spare else None
            if old is not None:
                kept.add(old["metadata"]["name"])
            self._write_slice(service, old, content)
        for entry in existing:
            if entry["metadata"]["name"] not in kept:
                self.delete(SLICES, entry)

    def _existing(self, service: Json) -> list[Json]:
        """From the API, not the cache: two slices for one pod would send it twice the traffic."""
        namespace, name = key_of(service)
        listed = self.store.list(SLICES, namespace)
        return [
            entry
            for entry in listed
            if labels_of(entry).get(SERVICE_NAME) == name and labels_of(entry).get(MANAGED_BY)
        ]

    def _wanted(self, service: Json, pods: list[Json]) -> list[Json]:
        """Contents of the slices: pods by the ports they give, at most 100 each; one empty when none."""
        groups: dict[str, tuple[list[Json], list[Json]]] = {}
        for pod in pods:
            ports = slice_ports(service, pod)
            groups.setdefault(_mark(ports), (ports, []))[1].append(self._endpoint(service, pod))
        if not groups:
            return [{"ports": slice_ports(service, None), "endpoints": []}]
        return [
            {"ports": ports, "endpoints": rows[start : start + SLICE_SIZE]}
            for ports, rows in groups.values()
            for start in range(0, len(rows), SLICE_SIZE)
        ]

    def _endpoint(self, service: Json, pod: Json) -> Json:
        serving, ending = is_ready(pod), is_terminating(pod)
        always = bool(spec_of(service).get("publishNotReadyAddresses"))
        node = self.nodes.get(("", node_name(pod)))
        zone = labels_of(node).get("topology.kubernetes.io/zone") if node else None
        endpoint = {
            "addresses": [status_of(pod)["podIP"]],
            "conditions": {
                "ready": always or (serving and not ending),
                "serving": serving,
                "terminating": ending,
            },
            "targetRef": _target(pod),
            "nodeName": node_name(pod),
        }
        return {**endpoint, "zone": zone} if zone else endpoint

    def _write_slice(self, service: Json, old: Json | None, content: Json) -> None:
        namespace, name = key_of(service)
        labels = {**labels_of(service), SERVICE_NAME: name, MANAGED_BY: "endpointslice-controller.k8s.io"}
        if spec_of(service).get("clusterIP") == "None":
            labels["service.kubernetes.io/headless"] = ""
        if old is not None:
            if all(old.get(part) == value for part, value in content.items()) and labels_of(old) == labels:
                return
            self.update(SLICES, self._stamped({**old, **content}, labels))
            return
        metadata = {
            "name": generated_name(f"{name}-", self.rng),
            "generateName": f"{name}-",
            "namespace": namespace,
            "ownerReferences": [owner_reference({"apiVersion": "v1", "kind": "Service", **service})],
        }
        self.store.create(
            SLICES, self._stamped({"metadata": metadata, "addressType": "IPv4", **content}, labels)
        )

    def _stamped(self, obj: Json, labels: dict[str, str]) -> Json:
        return with_metadata(obj, labels=labels, annotations={CHANGED_AT: rfc3339(self.clock.now())})

    # --- Endpoints ----------------------------------------------------------------------------------

    def _write_endpoints(self, service: Json, pods: list[Json]) -> None:
        namespace, name = key_of(service)
        subsets = _subsets(service, [pod for pod in pods if not is_terminating(pod)])
        old = self.store.find(ENDPOINTS, namespace, name)
        labels = labels_of(service) or None
        if old is None:
            body = with_metadata({"metadata": {"name": name, "namespace": namespace}}, labels=labels)
            self.store.create(ENDPOINTS, clean({**body, "subsets": subsets}))
        elif old.get("subsets", []) != subsets or labels_of(old) != (labels or {}):
            self.update(ENDPOINTS, clean({**with_metadata(old, labels=labels), "subsets": subsets}))


def _selects(selector: dict[str, str], pod: Json) -> bool:
    labels = labels_of(pod)
    return all(labels.get(name) == value for name, value in selector.items())


def _addressable(pod: Json) -> bool:
    return bool(status_of(pod).get("podIP")) and not is_finished(pod)


def _relevant(pod: Json) -> tuple[object, ...]:
    """What of a pod can change an endpoint."""
    return labels_of(pod), is_ready(pod), is_terminating(pod), status_of(pod).get("podIP"), is_finished(pod)


def _target(pod: Json) -> Json:
    namespace, name = key_of(pod)
    return {"kind": "Pod", "namespace": namespace, "name": name, "uid": uid_of(pod)}


def slice_ports(service: Json, pod: Json | None) -> list[Json]:
    """The Service's ports as a pod gives them; a named port the pod lacks is left out."""
    found = []
    for port in spec_of(service).get("ports") or ():
        number = _number(port.get("targetPort", port["port"]), pod)
        if number is not None:
            entry = {"name": port.get("name", ""), "protocol": port.get("protocol", "TCP"), "port": number}
            found.append(
                {**entry, **({"appProtocol": port["appProtocol"]} if port.get("appProtocol") else {})}
            )
    return found


def _number(target: int | str, pod: Json | None) -> int | None:
    if isinstance(target, int):
        return target
    for container in spec_of(pod).get("containers") or () if pod else ():
        for port in container.get("ports") or ():
            if port.get("name") == target:
                return int(port["containerPort"])
    return None


def _mark(ports: list[Json]) -> str:
    return json.dumps(ports, sort_keys=True)


def _subsets(service: Json, pods: list[Json]) -> list[Json]:
    groups: dict[str, Json] = {}
    always = bool(spec_of(service).get("publishNotReadyAddresses"))
    for pod in pods:
        ports = slice_ports(service, pod)
        subset = groups.setdefault(_mark(ports), {"addresses": [], "notReadyAddresses": [], "ports": ports})
        part = "addresses" if always or is_ready(pod) else "notReadyAddresses"
        subset[part].append(
            {"ip": status_of(pod)["podIP"], "nodeName": node_name(pod), "targetRef": _target(pod)}
        )
    return [{part: rows for part, rows in subset.items() if rows} for subset in groups.values()]
