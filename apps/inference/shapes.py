"""The answers of the API: our values in the words that programs already know."""

from datetime import datetime
from typing import Any

import msgspec
from django.utils.translation import gettext as _
from ninja import Schema

from apps.inference.models import ModelDeployment
from apps.inference.selectors.deployments import DeploymentRow
from apps.inference.selectors.pods import PodRow
from apps.inference.selectors.services import ServiceRow
from apps.inference.statuses import Access, Health, Kind
from apps.inference.wishes import Wish
from apps.operations.models import Operation


class StartedOut(Schema):
    """Work has begun: follow the operation."""

    success: bool = True
    operation: int
    url: str
    name: str


class FlatDeployOut(Schema):
    """The earlier panel's answer; `recordId` stands where it named a file."""

    success: bool = True
    message: str
    recordId: int
    operation: int
    operationUrl: str
    generatedYaml: str
    deploymentType: str
    deploymentName: str
    modelTag: str
    accessType: str


class FlatScaleOut(Schema):
    """The earlier panel's answer."""

    success: bool = True
    currentReplicas: int
    targetReplicas: int
    unassignedPods: int | None = None
    operation: int


class UndeployResult(Schema):
    """One object that goes."""

    resource: str
    name: str
    success: bool
    output: str


class FlatUndeployOut(Schema):
    """The earlier panel's answer: what was asked to go; the operation says what is gone."""

    success: bool = True
    message: str
    operation: int
    results: list[UndeployResult]


class DeploymentOut(Schema):
    """One deployment, in the earlier panel's words."""

    modelTag: str
    deploymentType: str
    deploymentName: str
    namespace: str
    serviceName: str
    replicas: int
    readyReplicas: int
    status: str
    createdAt: datetime | None
    createdBy: str
    hasService: bool
    serviceType: str
    isExternal: bool
    externalIP: str
    port: int
    modelId: str
    engine: str
    gpus: int
    labels: dict[str, str]


class PodOut(Schema):
    """A pod in the shape of Kubernetes' own, with the portal's reading of it in `processedStatus`."""

    metadata: dict[str, Any]
    spec: dict[str, Any]
    status: dict[str, Any]
    processedStatus: dict[str, Any]
    business: str
    pool: str


class ServiceOut(Schema):
    """A service in the shape of Kubernetes' own, with counted endpoints."""

    metadata: dict[str, Any]
    spec: dict[str, Any]
    status: dict[str, Any]
    endpoints: dict[str, int]


class CallOut(Schema):
    """A service's answer: `data` is JSON where it was JSON, else text (`isText`)."""

    success: bool
    status: int
    data: Any
    isText: bool
    servedBy: str


def deployed(operation: Operation, wish: Wish, url: str) -> FlatDeployOut:
    """The answer to POST /api/deploy, from what was stored."""
    record = ModelDeployment.objects.get(operation_id=operation.pk)
    return FlatDeployOut(
        message=_("%(name)s is being deployed.") % {"name": record.name},
        recordId=record.pk,
        operation=operation.pk,
        operationUrl=url,
        generatedYaml=as_yaml(record.revisions.latest("number").manifests),
        deploymentType=record.engine,
        deploymentName=record.name,
        modelTag=record.name,
        accessType=access_word(wish),
    )


def access_word(wish: Wish) -> str:
    """external, internal, or pool."""
    if wish.kind is Kind.POOL:
        return "pool"
    return "external" if wish.access is Access.EXTERNAL else "internal"


def as_yaml(manifests: list[dict[str, Any]]) -> str:
    """Manifests for people to read."""
    return msgspec.yaml.encode(manifests[0]).decode() + "".join(
        "---\n" + msgspec.yaml.encode(item).decode() for item in manifests[1:]
    )


def undeployed(operation: Operation, name: str, part: str) -> FlatUndeployOut:
    """The answer to POST /api/undeploy."""
    asked = ["deployment", "service"] if part == "all" else [part]
    begun = _("removal began: operation %(number)d") % {"number": operation.pk}
    return FlatUndeployOut(
        message=_("%(name)s is being removed.") % {"name": name},
        operation=operation.pk,
        results=[UndeployResult(resource=item, name=name, success=True, output=begun) for item in asked],
    )


def deployment(row: DeploymentRow) -> DeploymentOut:
    """One deployment; `deploymentType` is the type label, else the engine, else Others."""
    service = row.service
    external = bool(service and service.has_load_balancer)
    return DeploymentOut(
        modelTag=row.name,
        deploymentType=row.kind.value if row.kind is not Kind.OTHER else row.engine or "Others",
        deploymentName=row.name,
        namespace=row.namespace,
        serviceName=service.name if service else "N/A",
        replicas=row.replicas,
        readyReplicas=row.ready,
        status="Ready" if row.health is Health.READY else "Pending",
        createdAt=row.created_at,
        createdBy=row.created_by,
        hasService=service is not None,
        serviceType=service.type if service else "N/A",
        isExternal=external,
        externalIP=(service.address or "Pending") if service and external else "N/A",
        port=row.port,
        modelId=row.model_id,
        engine=row.engine,
        gpus=row.gpus,
        labels=row.labels,
    )


def pod(row: PodRow) -> PodOut:
    """One pod."""
    return PodOut(
        metadata={
            "name": row.name,
            "namespace": row.namespace,
            "uid": row.uid,
            "labels": row.labels,
            "creationTimestamp": row.created_at,
        },
        spec={"nodeName": row.node, "gpus": row.gpus},
        status={"phase": row.state, "podIP": row.ip, "message": row.message},
        processedStatus={
            "status": row.state,
            "ready": f"{row.ready_containers}/{row.containers}",
            "isReady": row.ready,
            "restarts": row.restarts,
        },
        business=row.business,
        pool=row.pool,
    )


def service(row: ServiceRow) -> ServiceOut:
    """One service."""
    return ServiceOut(
        metadata={
            "name": row.name,
            "namespace": row.namespace,
            "labels": row.labels,
            "creationTimestamp": row.created_at,
        },
        spec={
            "type": row.type,
            "selector": row.selector,
            "clusterIP": row.cluster_ip,
            "ports": [
                {
                    "name": port["name"],
                    "port": port["port"],
                    "protocol": port["protocol"],
                    "targetPort": port["target"],
                }
                for port in row.ports
            ],
        },
        status={"loadBalancer": {"ingress": [{"hostname": row.address}] if row.address else []}},
        endpoints={"ready": row.ready, "total": row.endpoints},
    )


def call(status: int, headers: dict[str, str], body: bytes) -> CallOut:
    """A service's answer."""
    data, is_text = _decoded(body)
    return CallOut(
        success=status < 400,
        status=status,
        data=data,
        isText=is_text,
        servedBy=headers.get("x-served-by", ""),
    )


def _decoded(body: bytes) -> tuple[Any, bool]:
    try:
        return msgspec.json.decode(body), False
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body.decode(errors="replace"), True
