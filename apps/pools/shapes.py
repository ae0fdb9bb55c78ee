"""What the JSON API of pools takes and answers: strict requests, and answers in the earlier panel's words."""

from typing import Annotated

from django.utils.translation import gettext as _
from ninja import Field, Schema
from pydantic import ConfigDict

from apps.operations.models import Operation
from apps.operations.services import operation_url
from apps.pools import selectors
from apps.pools.actions import DRAIN_SECONDS
from apps.pools.models import Intent
from apps.pools.selectors import PoolRow, ServiceRow
from apps.pools.shares.asking import MINUTES, How
from apps.pools.targets import PodTarget

Name = Annotated[str, Field(min_length=1, max_length=253)]
Tag = Annotated[str, Field(max_length=253)]


class Strict(Schema):
    """A request: no text where a number or a truth value belongs."""

    model_config = ConfigDict(strict=True)


class AssignIn(Strict):
    """Move a pod. `from` is what you saw it lent to; `drain` waits until its running requests have ended.

    `share` answers `needs_share`, where the portal keeps shares: change them, or an exception for `minutes`.
    """

    business: Tag
    origin: Tag | None = Field(None, alias="from")
    force: bool = False
    reason: str = Field("", max_length=500)
    drain: bool = False
    timeout: int = DRAIN_SECONDS
    share: How = ""
    minutes: int = MINUTES


class FlatAssignIn(Strict):
    """Move a pod, in the earlier panel's words; `modelName` is the pool."""

    podName: Name
    businessTag: Tag
    modelName: Name
    origin: Tag | None = Field(None, alias="from")
    force: bool = False
    share: How = ""
    minutes: int = MINUTES


class FlatScaleIn(Strict):
    """Another size of a pool, in the earlier panel's words."""

    deploymentName: Name
    targetReplicas: int = Field(ge=0, le=1000)


class FlatScaleOut(Schema):
    """The earlier panel's answer; `unassignedPods` are those that nobody has, `operation` does the work."""

    success: bool = True
    currentReplicas: int
    targetReplicas: int
    unassignedPods: int
    operation: int
    operationUrl: str


class ServiceIn(Strict):
    """A new business service."""

    name: str = Field(max_length=253)
    business: Tag
    external: bool = False


class FlatServiceIn(Strict):
    """A new business service, in the earlier panel's words; `modelPool` is the pool."""

    serviceName: str = Field(max_length=253)
    modelPool: Name
    businessTag: Tag
    isExternal: bool = False


class MovedOut(Schema):
    """A change of hands. `state` is `done`, or `draining` with the operation that goes on."""

    success: bool = True
    message: str
    podName: str
    businessTag: str
    previous: str = ""
    state: str = "done"
    intent: str = ""
    operation: int | None = None
    operationUrl: str = ""


class ServiceMadeOut(Schema):
    """A business service that was made."""

    success: bool = True
    message: str
    serviceName: str
    businessTag: str
    modelPool: str
    namespace: str


class BusinessServiceOut(Schema):
    """A business service as the earlier panel lists it."""

    name: str
    businessTag: str
    displayName: str
    modelName: str
    namespace: str


class StatusOut(Schema):
    """How a pool's live pods are split."""

    totalPods: int
    podDistribution: dict[str, int]
    availableForScaleDown: int
    status: str


class PoolPodOut(Schema):
    """A pod of a pool; `live` says that it can be lent."""

    name: str
    business: str
    ready: bool
    live: bool
    state: str
    node: str


class PoolOut(StatusOut):
    """A pool."""

    name: str
    namespace: str
    modelId: str
    replicas: int
    readyReplicas: int
    businesses: list[str]
    pods: list[PoolPodOut]


class RemovedOut(Schema):
    """A deleted business service; `operation` frees its pods, null when none was lent."""

    success: bool = True
    message: str
    operation: int | None
    operationUrl: str = ""


def moved_out(intent: Intent) -> MovedOut:
    """A change that is done."""
    facts = {"pod": intent.pod_name, "origin": intent.origin, "business": intent.business}
    return MovedOut(
        message=_("%(pod)s moved from %(origin)s to %(business)s.") % facts,
        podName=intent.pod_name,
        businessTag=intent.business,
        previous=intent.origin,
        intent=str(intent.pk),
    )


def draining_out(pod: PodTarget, operation: Operation) -> MovedOut:
    """A change that goes on in an operation."""
    return MovedOut(
        message=_("%(pod)s is being drained.") % {"pod": pod.name},
        podName=pod.name,
        businessTag=pod.business,
        state="draining",
        operation=operation.pk,
        operationUrl=operation_url(operation.pk),
    )


def status_fields(pool: PoolRow) -> dict[str, object]:
    """The split in the earlier panel's words."""
    return {**selectors.as_json(pool.status), "status": pool.status.line}


def pool_out(pool: PoolRow) -> PoolOut:
    """A pool with its pods."""
    return PoolOut.model_validate(
        {
            **status_fields(pool),
            "name": pool.name,
            "namespace": pool.namespace,
            "modelId": pool.model_id,
            "replicas": pool.replicas,
            "readyReplicas": pool.ready,
            "businesses": pool.businesses,
            "pods": [
                {
                    "name": pod.name,
                    "business": pod.facts.business,
                    "ready": pod.facts.ready,
                    "live": pod.live,
                    "state": pod.facts.state,
                    "node": pod.facts.node,
                }
                for pod in pool.pods
            ],
        }
    )


def service_out(service: ServiceRow) -> BusinessServiceOut:
    """A business service in the earlier panel's words."""
    return BusinessServiceOut(
        name=service.name,
        businessTag=service.business,
        displayName=f"{service.business} ({service.pool})",
        modelName=service.pool,
        namespace=service.namespace,
    )
