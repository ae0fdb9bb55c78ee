"""Services and EndpointSlices as the mirror keeps them: who gets the traffic."""

from typing import Any

import msgspec

from apps.clusters.kinds.metadata import Metadata
from apps.gateways import labels


class ServicePort(msgspec.Struct, frozen=True):
    name: str = ""
    port: int = 0
    protocol: str = "TCP"
    targetPort: int | str = 0


class ServiceSpec(msgspec.Struct, frozen=True):
    type: str = "ClusterIP"
    clusterIP: str = ""
    selector: dict[str, str] | None = None
    ports: list[ServicePort] | None = None


class Ingress(msgspec.Struct, frozen=True):
    ip: str = ""
    hostname: str = ""


class LoadBalancer(msgspec.Struct, frozen=True):
    ingress: list[Ingress] | None = None


class ServiceStatus(msgspec.Struct, frozen=True):
    loadBalancer: LoadBalancer = LoadBalancer()


class Service(msgspec.Struct, frozen=True):
    """A Service, decoded."""

    metadata: Metadata = Metadata()
    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()


class TargetRef(msgspec.Struct, frozen=True):
    kind: str = ""
    name: str = ""
    uid: str = ""


class EndpointConditions(msgspec.Struct, frozen=True):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(msgspec.Struct, frozen=True):
    addresses: list[str] = []
    conditions: EndpointConditions = EndpointConditions()
    targetRef: TargetRef | None = None


class EndpointSlice(msgspec.Struct, frozen=True):
    """An EndpointSlice, decoded."""

    metadata: Metadata = Metadata()
    endpoints: list[Endpoint] | None = None


def project_service(item: Service) -> dict[str, Any]:
    """The slim projection of a Service; `address` is the load balancer's, empty when there is none."""
    ingress = (item.status.loadBalancer.ingress or [Ingress()])[0]
    return {
        "type": item.spec.type,
        "selector": item.spec.selector or {},
        "cluster_ip": item.spec.clusterIP,
        "address": ingress.hostname or ingress.ip,
        "ports": [
            {"name": port.name, "port": port.port, "protocol": port.protocol, "target": port.targetPort}
            for port in item.spec.ports or []
        ],
        "deleting": bool(item.metadata.deletionTimestamp),
    }


def project_endpoints(item: EndpointSlice) -> dict[str, Any]:
    """The slim projection of a slice: its service's name and its addresses (see `endpoint_row`).

    An absent condition means ready, and serving as ready says (the API's own rule).
    """
    return {
        "service": (item.metadata.labels or {}).get(labels.SERVICE_NAME, ""),
        "endpoints": [endpoint_row(endpoint) for endpoint in item.endpoints or []],
    }


def endpoint_row(endpoint: Endpoint) -> dict[str, Any]:
    """One address of a slice."""
    target = endpoint.targetRef or TargetRef()
    ready = endpoint.conditions.ready is not False
    serving = endpoint.conditions.serving
    return {
        "pod": target.name,
        "uid": target.uid,
        "ip": endpoint.addresses[0] if endpoint.addresses else "",
        "ready": ready,
        "serving": ready if serving is None else serving,
        "terminating": bool(endpoint.conditions.terminating),
    }
