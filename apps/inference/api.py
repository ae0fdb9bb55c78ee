"""The JSON API of deployments, pods and services: canonical, and as the earlier panel's users call it.

Types are strict: a number in quotes is refused. Wrong values come back as a problem with the field's name.
"""

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Field, Header, Path, Router, Schema, Status
from pydantic import ConfigDict

from apps.accounts import policy
from apps.clusters import choice
from apps.clusters import selectors as clusters
from apps.clusters.models import Cluster
from apps.inference import actions, guards, shapes
from apps.inference.forms import MOST_REPLICAS, DeployForm, problems_of
from apps.inference.permissions import VIEW
from apps.inference.selectors import deployments, pods, services
from apps.operations.models import Operation
from apps.operations.services import operation_url

router = Router(tags=["inference"])
flat_router = Router(tags=["earlier panel"])

Key = Annotated[str, Header(default="", alias="Idempotency-Key", max_length=100)]
Name = Annotated[str, Field(min_length=1, max_length=253)]
Part = Literal["all", "deployment", "service"]


class Strict(Schema):
    """A request: no text where a number belongs."""

    model_config = ConfigDict(strict=True)


class DeployIn(Strict):
    """A model to deploy, in our words."""

    command: str = Field(max_length=16_000)
    engine: Literal["", "vllm", "sglang", "ollama", "custom"] = ""
    model_id: str = Field("", max_length=300)
    replicas: int = Field(1, ge=1, le=MOST_REPLICAS)
    gpus: int | None = Field(None, ge=0)
    as_pool: bool = False
    access: Literal["cluster", "internal", "external", "none"] = "cluster"
    namespace: str = Field("", max_length=63)
    name: str = Field("", max_length=63)
    image: str = Field("", max_length=300)
    instance_types: list[str] = Field(default_factory=list, max_length=50)
    cpu: float | None = None
    memory: int | None = Field(None, description="GiB")
    token: str = Field("", max_length=200, description="HuggingFace token; kept as a Secret in the cluster")


class FlatDeployIn(Strict):
    """A model to deploy, in the earlier panel's words."""

    deploymentType: Literal["vllm", "sglang", "ollama", "custom"] = "vllm"
    vllmCommand: str = Field("", max_length=16_000)
    ollamaModelId: str = Field("", max_length=300)
    modelId: str = Field("", max_length=300)
    replicas: int = Field(1, ge=1, le=MOST_REPLICAS)
    gpuCount: int | None = Field(None, ge=0)
    huggingFaceToken: str = Field("", max_length=200)
    isExternal: bool = False
    dockerImage: str = Field("", max_length=300)
    instanceType: str = Field("", max_length=63)
    deployAsPool: bool = False

    def command(self) -> str:
        """What the container runs."""
        if self.deploymentType == "ollama" and not self.vllmCommand:
            return "ollama serve"
        return self.vllmCommand

    def wishes(self) -> dict[str, Any]:
        """As the form takes it."""
        return {
            "command": self.command(),
            "engine": "" if self.deploymentType == "custom" else self.deploymentType,
            "model_id": self.ollamaModelId if self.deploymentType == "ollama" else self.modelId,
            "replicas": self.replicas,
            "gpus": self.gpuCount,
            "as_pool": self.deployAsPool,
            "access": "external" if self.isExternal else "cluster",
            "image": self.dockerImage,
            "instance_types": [self.instanceType] if self.instanceType else [],
            "token": self.huggingFaceToken,
        }


class ScaleIn(Strict):
    """A new number of pods."""

    replicas: int = Field(ge=0, le=MOST_REPLICAS)


class FlatScaleIn(Strict):
    """A new number of pods, in the earlier panel's words."""

    deploymentName: Name
    targetReplicas: int = Field(ge=0, le=MOST_REPLICAS)


class UndeployIn(Strict):
    """What to remove; `confirm` is the typed name that a pool asks for."""

    part: Part = "all"
    confirm: str = Field("", max_length=63)


class FlatUndeployIn(Strict):
    """What to remove, in the earlier panel's words; `modelTag` is the deployment's name."""

    modelTag: Name
    deleteType: Part = "all"
    confirm: str = Field("", max_length=63)


@router.post("/deployments", response={202: shapes.StartedOut}, summary="Deploy a model")
def deploy(request: HttpRequest, cluster: Path[str], wish: DeployIn, key: Key) -> Status[shapes.StartedOut]:
    """Begin to deploy; the answer names the operation. The same Idempotency-Key gives the same operation."""
    operation, _form = begin(request, clusters.cluster(choice.person(request), cluster), wish.dict(), key)
    return Status(202, started(operation))


@router.get("/deployments", response=list[shapes.DeploymentOut], summary="Deployments")
def deployment_list(
    request: HttpRequest, cluster: Path[str], namespace: str = ""
) -> list[shapes.DeploymentOut]:
    """Every deployment of the cluster, pools too."""
    return deployments_of(request, clusters.cluster(choice.person(request), cluster), namespace)


@router.put("/deployments/{namespace}/{name}/replicas", response={202: shapes.StartedOut}, summary="Scale")
def scale(
    request: HttpRequest, cluster: Path[str], namespace: str, name: str, wish: ScaleIn
) -> Status[shapes.StartedOut]:
    """Ask for a new number of pods; pools answer 409 unless they can keep their promise."""
    user = choice.person(request)
    target = deployments.target(user, cluster, namespace, name)
    return Status(202, started(actions.scale_deployment(by=user, deployment=target, replicas=wish.replicas)))


@router.post("/deployments/{namespace}/{name}/restart", response={202: shapes.StartedOut}, summary="Restart")
def restart(request: HttpRequest, cluster: Path[str], namespace: str, name: str) -> Status[shapes.StartedOut]:
    """Replace every pod by a new one."""
    user = choice.person(request)
    target = deployments.target(user, cluster, namespace, name)
    return Status(202, started(actions.restart_deployment(by=user, deployment=target)))


@router.post("/deployments/{namespace}/{name}/undeploy", response={202: shapes.StartedOut}, summary="Remove")
def undeploy(
    request: HttpRequest, cluster: Path[str], namespace: str, name: str, wish: UndeployIn
) -> Status[shapes.StartedOut]:
    """Remove the Deployment, its Service, or both."""
    user = choice.person(request)
    target = deployments.target(user, cluster, namespace, name)
    return Status(
        202, started(actions.undeploy(by=user, deployment=target, part=wish.part, confirm=wish.confirm))
    )


@router.get("/pods", response=list[shapes.PodOut], summary="Pods")
def pod_list(request: HttpRequest, cluster: Path[str], namespace: str = "") -> list[shapes.PodOut]:
    """Every pod of the cluster, shaped like Kubernetes' own."""
    return pods_of(request, clusters.cluster(choice.person(request), cluster), namespace)


@router.get("/services", response=list[shapes.ServiceOut], summary="Services")
def service_list(request: HttpRequest, cluster: Path[str], namespace: str = "") -> list[shapes.ServiceOut]:
    """Every service of the cluster, shaped like Kubernetes' own."""
    return services_of(request, clusters.cluster(choice.person(request), cluster), namespace)


@flat_router.post("/deploy", response=shapes.FlatDeployOut, summary="Deploy a model")
def flat_deploy(
    request: HttpRequest, wish: FlatDeployIn, key: Key, cluster: str = "", namespace: str = ""
) -> shapes.FlatDeployOut:
    """As POST `/api/c/<cluster>/deployments`."""
    row = choice.cluster(choice.person(request), cluster)
    operation, form = begin(request, row, wish.wishes() | {"namespace": namespace}, key)
    return shapes.deployed(operation, form.wish, operation_url(operation.pk))


@flat_router.get("/deployments", response=list[shapes.DeploymentOut], summary="Deployments")
def flat_deployments(
    request: HttpRequest, cluster: str = "", namespace: str = ""
) -> list[shapes.DeploymentOut]:
    """As GET `/api/c/<cluster>/deployments`."""
    return deployments_of(request, choice.cluster(choice.person(request), cluster), namespace)


@flat_router.post("/scale-deployment", response=shapes.FlatScaleOut, summary="Scale")
def flat_scale(
    request: HttpRequest, wish: FlatScaleIn, cluster: str = "", namespace: str = ""
) -> shapes.FlatScaleOut:
    """As PUT `.../replicas`; the pods follow, see `operation`."""
    user = choice.person(request)
    row = choice.cluster(user, cluster)
    place = namespace or row.default_namespace
    target = deployments.target(user, row.slug, place, wish.deploymentName)
    operation = actions.scale_deployment(by=user, deployment=target, replicas=wish.targetReplicas)
    return shapes.FlatScaleOut(
        currentReplicas=target.replicas,
        targetReplicas=wish.targetReplicas,
        unassignedPods=guards.unassigned(target),
        operation=operation.pk,
    )


@flat_router.post("/undeploy", response=shapes.FlatUndeployOut, summary="Remove")
def flat_undeploy(
    request: HttpRequest, wish: FlatUndeployIn, cluster: str = "", namespace: str = ""
) -> shapes.FlatUndeployOut:
    """As POST `.../undeploy`; what is gone and what is not, see `operation`."""
    user = choice.person(request)
    row = choice.cluster(user, cluster)
    target = deployments.target(user, row.slug, namespace or row.default_namespace, wish.modelTag)
    operation = actions.undeploy(by=user, deployment=target, part=wish.deleteType, confirm=wish.confirm)
    return shapes.undeployed(operation, wish.modelTag, wish.deleteType)


@flat_router.get("/pods", response=list[shapes.PodOut], summary="Pods")
def flat_pods(request: HttpRequest, cluster: str = "", namespace: str = "") -> list[shapes.PodOut]:
    """As GET `/api/c/<cluster>/pods`."""
    return pods_of(request, choice.cluster(choice.person(request), cluster), namespace)


@flat_router.get("/services", response=list[shapes.ServiceOut], summary="Services")
def flat_services(request: HttpRequest, cluster: str = "", namespace: str = "") -> list[shapes.ServiceOut]:
    """As GET `/api/c/<cluster>/services`."""
    return services_of(request, choice.cluster(choice.person(request), cluster), namespace)


def begin(
    request: HttpRequest, cluster: Cluster, wish: dict[str, Any], key: str
) -> tuple[Operation, DeployForm]:
    """Deploy what passes the form. Raises ValidationError with the form's sentences by field."""
    form = DeployForm({**wish, "key": key}, cluster=cluster)
    if not form.is_valid():
        raise problems_of(form)
    operation = actions.deploy_model(
        by=choice.person(request),
        cluster=cluster,
        wish=form.wish,
        token=form.cleaned_data["token"],
        key=form.cleaned_data["key"],
    )
    return operation, form


def started(operation: Operation) -> shapes.StartedOut:
    """The answer to whoever began an operation."""
    return shapes.StartedOut(
        operation=operation.pk, url=operation_url(operation.pk), name=operation.target_name
    )


def deployments_of(request: HttpRequest, cluster: Cluster, namespace: str) -> list[shapes.DeploymentOut]:
    """The cluster's deployments, for people who may see them."""
    policy.require(choice.person(request), VIEW, cluster=cluster.slug)
    return [shapes.deployment(row) for row in deployments.deployments(cluster.pk, namespace=namespace)]


def pods_of(request: HttpRequest, cluster: Cluster, namespace: str) -> list[shapes.PodOut]:
    """The cluster's pods, for people who may see them."""
    policy.require(choice.person(request), VIEW, cluster=cluster.slug)
    return [shapes.pod(row) for row in pods.pods(cluster.pk, namespace=namespace)]


def services_of(request: HttpRequest, cluster: Cluster, namespace: str) -> list[shapes.ServiceOut]:
    """The cluster's services, for people who may see them."""
    policy.require(choice.person(request), VIEW, cluster=cluster.slug)
    return [shapes.service(row) for row in services.services(cluster.pk, namespace=namespace)]
