"""Deploying, scaling, restarting and removing models: permitted, audited, and done by operations."""

from hashlib import sha256
from typing import Any, Literal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.audit import context
from apps.audit.actions import action, link_operation, note
from apps.clusters.connections import connect
from apps.clusters.models import Cluster
from apps.gateways import labels
from apps.gateways.errors import NotFound
from apps.inference import guards, operations, records
from apps.inference.models import ModelDeployment
from apps.inference.permissions import CHANGE
from apps.inference.targets import DeploymentTarget
from apps.inference.wishes import Wish
from apps.operations import services
from apps.operations.models import Operation

Part = Literal["all", "deployment", "service"]


class NameTaken(Exception):
    """Somebody else has the name already; `field` says beside which control it belongs."""

    problem_status = 409
    field = "name"

    def __init__(self, name: str) -> None:
        self.message = _("There is already something called “%(name)s” in this namespace.") % {"name": name}
        super().__init__(self.message)


@action("inference.deploy", permission=CHANGE, target="cluster", label=_lazy("Deploy model"), atomic=False)
def deploy_model(*, cluster: Cluster, wish: Wish, token: str = "", key: str = "") -> Operation:
    """Begin to deploy; the same `key` of the same person gives the same operation.

    A HuggingFace token goes into a Secret first, under a name made from the request, so that repeating the
    request repeats the same write; it is in no record, parameter or manifest. Raises NameTaken, and
    gateways' errors.
    """
    earlier = records.by_request(cluster, key)
    if earlier is not None and earlier.operation_id:
        return _same(earlier)
    taken = records.taken_names(cluster.pk, wish.namespace)
    name = wish.free_name(taken)
    if name in taken:
        raise NameTaken(name)
    secret_name = _secret_name(name, key) if token else ""
    manifests = records.manifests(wish, name=name, secret_name=secret_name)
    if token:
        _keep_token(cluster, wish.namespace, name, secret_name, token)
    try:
        return _begin(cluster, wish, name, secret_name, manifests, key)
    except IntegrityError as error:
        return _faster(cluster, wish.namespace, name, key, error)


@action("inference.scale", permission=CHANGE, target="deployment", label=_lazy("Scale deployment"))
def scale_deployment(*, deployment: DeploymentTarget, replicas: int, key: str = "") -> Operation:
    """Ask for a new number of pods. Raises PoolRefused for a pool, Busy where work on it is under way."""
    note(before={"replicas": deployment.replicas}, after={"replicas": replicas})
    handler = guards.pool_handler("scale", deployment)
    if handler:
        return handler(deployment=deployment, replicas=replicas, key=key)
    return services.start(
        operations.scale, target=deployment, key=key, replicas=replicas, **_place(deployment)
    )


@action("inference.restart", permission=CHANGE, target="deployment", label=_lazy("Restart deployment"))
def restart_deployment(*, deployment: DeploymentTarget, key: str = "") -> Operation:
    """Replace every pod by a new one, one after the other. Raises PoolRefused for a pool, Busy."""
    handler = guards.pool_handler("restart", deployment)
    if handler:
        return handler(deployment=deployment, key=key)
    return services.start(operations.restart, target=deployment, key=key, **_place(deployment))


@action("inference.undeploy", permission=CHANGE, target="deployment", label=_lazy("Remove deployment"))
def undeploy(
    *, deployment: DeploymentTarget, part: Part = "all", confirm: str = "", key: str = ""
) -> Operation:
    """Remove the Deployment, its Service, or both. `confirm` is the typed name, which a pool may ask for."""
    note(before={"replicas": deployment.replicas, "type": deployment.kind.value}, after={"removed": part})
    handler = guards.pool_handler("undeploy", deployment)
    if handler:
        return handler(deployment=deployment, part=part, confirm=confirm, key=key)
    return services.start(operations.undeploy, target=deployment, key=key, part=part, **_place(deployment))


def _place(deployment: DeploymentTarget) -> dict[str, Any]:
    return {
        "cluster_id": deployment.cluster_id,
        "namespace": deployment.namespace,
        "name": deployment.name,
        "uid": deployment.uid,
    }


def _begin(
    cluster: Cluster, wish: Wish, name: str, secret_name: str, manifests: list[dict[str, Any]], key: str
) -> Operation:
    """The record, its first revision and its operation, together or not at all."""
    with transaction.atomic():
        record = records.create(
            cluster, wish, name=name, secret_name=secret_name, manifests=manifests, key=key
        )
        note(target=record.audit_target(), after=records.described(record))
        operation = services.start(operations.deploy, target=record, deployment_id=record.pk)
        ModelDeployment.objects.filter(pk=record.pk).update(operation_id=operation.pk)
    return operation


def _faster(cluster: Cluster, namespace: str, name: str, key: str, error: IntegrityError) -> Operation:
    """Two at the same moment: the same request gives the same operation, another one has lost the name."""
    earlier = records.by_request(cluster, key)
    if earlier is not None:
        return _same(earlier)
    _drop_token(cluster, namespace, _secret_name(name, key))
    raise NameTaken(name) from error


def _same(record: ModelDeployment) -> Operation:
    note(target=record.audit_target(), after={"repeated": record.name})
    operation = Operation.objects.get(pk=record.operation_id or 0)
    link_operation(operation.pk)
    return operation


def _secret_name(name: str, key: str) -> str:
    """`<name>-hf-<mark>`, the same for the same person and request key."""
    mark = sha256(f"{context.current().actor_name}/{key}".encode()).hexdigest()[:8]
    return f"{name}-hf-{mark}"


def _drop_token(cluster: Cluster, namespace: str, secret_name: str) -> None:
    """Take back a Secret that no record came to need."""
    if ModelDeployment.objects.filter(cluster=cluster, secret_name=secret_name).exists():
        return
    try:
        connect(cluster.pk).kubernetes.delete("secrets", secret_name, namespace=namespace)
    except NotFound:
        pass


def _keep_token(cluster: Cluster, namespace: str, name: str, secret_name: str, token: str) -> None:
    """Write the token into the cluster by server-side apply, which may be repeated."""
    connect(cluster.pk).kubernetes.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": secret_name,
                "namespace": namespace,
                "labels": {labels.APP: name, labels.MANAGED_BY: labels.PORTAL},
            },
            "type": "Opaque",
            "stringData": {"token": token},
        },
        force=True,
    )
