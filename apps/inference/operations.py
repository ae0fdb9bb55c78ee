"""The long work of deployments: apply and wait, scale, restart, remove. Each step bears repeating."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.clusters.connections import connect
from apps.gateways import labels
from apps.gateways.errors import GatewayError, NotFound
from apps.gateways.kubernetes import Kubernetes
from apps.inference import guards, records, rollout, vanished
from apps.inference.models import ModelDeployment
from apps.operations.control import OperationFailed
from apps.operations.periodic import periodic
from apps.operations.registry import runner
from apps.operations.run import Run

LOADING = 3600.0
"""Seconds for pods to become ready: a large model's download and loading take a while."""
LEAVING = 900.0
KINDS = {"Deployment": "deployments", "Service": "services", "PriorityClass": "priorityclasses"}

periodic("inference.forget what vanished", every=60)(vanished.sweep)


@runner("Deploy model")
def deploy(run: Run, *, deployment_id: int) -> None:
    """Apply the newest revision and wait until every pod is ready."""
    record = ModelDeployment.objects.select_related("cluster").get(pk=deployment_id)
    _reserve_again(record)
    kubernetes = connect(record.cluster_id).kubernetes
    manifests = [_marked(manifest, record) for manifest in record.revisions.latest("number").manifests]
    run.once("Ask the cluster whether it would take it", lambda: _rehearse(record, kubernetes, manifests))
    run.once("Apply", lambda: _apply(run, kubernetes, manifests))
    try:
        _wait_for_pods(run, kubernetes, record.namespace, record.name)
    except rollout.Vanished:
        _remove_secret(run, kubernetes, record)
        records.forget(cluster_id=record.cluster_id, namespace=record.namespace, name=record.name)
        raise
    run.result(namespace=record.namespace, name=record.name)


@deploy.on_cancel
def take_back(run: Run, *, deployment_id: int) -> None:
    """Remove what this operation made, unless a pod of it was lent meanwhile."""
    record = ModelDeployment.objects.get(pk=deployment_id)
    kubernetes = connect(record.cluster_id).kubernetes
    if _is_lent(kubernetes, record):
        run.log(_("Pods are lent already, so what was deployed stays."))
        return
    for manifest in record.revisions.latest("number").manifests:
        _remove_own(run, kubernetes, _marked(manifest, record))
    _remove_secret(run, kubernetes, record)
    records.forget(cluster_id=record.cluster_id, namespace=record.namespace, name=record.name)


@runner("Scale deployment")
def scale(run: Run, *, cluster_id: int, namespace: str, name: str, uid: str, replicas: int) -> None:
    """Set the number of pods and wait until so many are ready."""
    kubernetes = connect(cluster_id).kubernetes

    def set_replicas() -> int:
        live = _standard(kubernetes, namespace, name, uid)
        kubernetes.scale(
            "deployments", name, replicas, namespace=namespace, expected=live["spec"]["replicas"]
        )
        run.log(
            _("From %(before)d to %(after)d pods.") % {"before": live["spec"]["replicas"], "after": replicas}
        )
        return int(live["spec"]["replicas"])

    before = run.once("Set replicas", set_replicas)
    _wait_for_pods(run, kubernetes, namespace, name)
    run.result(before=before, after=replicas)


@runner("Restart deployment")
def restart(run: Run, *, cluster_id: int, namespace: str, name: str, uid: str) -> None:
    """Change the pod template's time stamp, as kubectl does, and wait for the new pods."""
    kubernetes = connect(cluster_id).kubernetes
    stamp = run.operation.created_at.isoformat()
    change = {"spec": {"template": {"metadata": {"annotations": {labels.RESTARTED_AT: stamp}}}}}

    def touch() -> None:
        _standard(kubernetes, namespace, name, uid)
        kubernetes.patch_merge("deployments", name, change, namespace=namespace)

    run.once("Ask for new pods", touch)
    _wait_for_pods(run, kubernetes, namespace, name)


@runner("Remove deployment")
def undeploy(run: Run, *, cluster_id: int, namespace: str, name: str, uid: str, part: str) -> None:
    """Delete the Service first, so that no caller meets a leaving pod, then the Deployment and its pods."""
    kubernetes = connect(cluster_id).kubernetes
    results: list[dict[str, Any]] = []
    if part in ("all", "service"):
        results += run.once("Delete services", lambda: _delete_services(run, kubernetes, namespace, name))
    if part in ("all", "deployment"):
        results += run.once(
            "Delete deployment", lambda: _delete_deployment(run, kubernetes, namespace, name, uid)
        )
        run.wait("Wait until its pods are gone", rollout.Gone(kubernetes, namespace, name), deadline=LEAVING)
        run.once("Delete secrets", lambda: delete_secrets(kubernetes, cluster_id, namespace, name))
        records.forget(cluster_id=cluster_id, namespace=namespace, name=name)
    run.result(results=results)


def _reserve_again(record: ModelDeployment) -> None:
    """A retry of what was refused takes the name again. Raises OperationFailed where that cannot be."""
    if record.removed_at is None:
        return
    if record.secret_name:
        raise OperationFailed(_("Its HuggingFace token was removed; deploy it again and give the token."))
    try:
        with transaction.atomic():
            ModelDeployment.objects.filter(pk=record.pk).update(removed_at=None)
    except IntegrityError as error:
        raise OperationFailed(
            _("Another deployment is called %(name)s now.") % {"name": record.name}
        ) from error


def _marked(manifest: dict[str, Any], record: ModelDeployment) -> dict[str, Any]:
    """The manifest with its first operation's number on the object (on its pods it would replace them).

    By this number retries, and cancelling, know their own objects from others of the same name.
    """
    metadata = manifest["metadata"]
    annotations = (metadata.get("annotations") or {}) | {labels.OPERATION: str(record.operation_id)}
    return manifest | {"metadata": metadata | {"annotations": annotations}}


def _made_by(live: dict[str, Any]) -> str:
    return str((live["metadata"].get("annotations") or {}).get(labels.OPERATION, ""))


def _rehearse(record: ModelDeployment, kubernetes: Kubernetes, manifests: list[dict[str, Any]]) -> None:
    """A dry run of everything, so that a refusal leaves nothing half done; then the name is free again."""
    try:
        for manifest in manifests:
            _refuse_foreign(kubernetes, manifest)
            kubernetes.apply(manifest, dry_run=True)
    except (GatewayError, OperationFailed) as error:
        if isinstance(error, GatewayError) and error.retryable:
            raise
        if record.secret_name:
            _ignore_missing(kubernetes, "secrets", record.secret_name, record.namespace)
        records.forget(cluster_id=record.cluster_id, namespace=record.namespace, name=record.name)
        raise OperationFailed(_("The cluster refuses it: %(why)s") % {"why": error}) from error


def _refuse_foreign(kubernetes: Kubernetes, manifest: dict[str, Any]) -> None:
    """Raise OperationFailed when an object of that name exists that was not made for this record."""
    metadata = manifest["metadata"]
    try:
        live = kubernetes.get(
            KINDS[manifest["kind"]], metadata["name"], namespace=metadata.get("namespace", "")
        )
    except NotFound:
        return
    if _made_by(live) != metadata["annotations"][labels.OPERATION]:
        raise OperationFailed(
            _("%(kind)s %(name)s exists already.") % {"kind": manifest["kind"], "name": metadata["name"]}
        )


def _apply(run: Run, kubernetes: Kubernetes, manifests: list[dict[str, Any]]) -> list[dict[str, str]]:
    applied = []
    for manifest in manifests:
        live = kubernetes.apply(manifest)
        run.log(
            _("Applied %(kind)s %(name)s.") % {"kind": manifest["kind"], "name": manifest["metadata"]["name"]}
        )
        applied.append({"kind": manifest["kind"], "uid": str(live["metadata"].get("uid", ""))})
    return applied


def _wait_for_pods(run: Run, kubernetes: Kubernetes, namespace: str, name: str) -> None:
    run.wait("Wait for ready pods", rollout.Ready(kubernetes, namespace, name), deadline=LOADING)


def _standard(kubernetes: Kubernetes, namespace: str, name: str, uid: str) -> dict[str, Any]:
    """The Deployment as it is now. Raises PoolRefused, NotAModel, OperationFailed for a namesake."""
    live = kubernetes.get("deployments", name, namespace=namespace)
    guards.require_standard(live)
    if uid and live["metadata"].get("uid") != uid:
        raise OperationFailed(_("%(name)s was deleted and made again meanwhile.") % {"name": name})
    return live


def _delete_deployment(
    run: Run, kubernetes: Kubernetes, namespace: str, name: str, uid: str
) -> list[dict[str, Any]]:
    try:
        _standard(kubernetes, namespace, name, uid)
        kubernetes.delete("deployments", name, namespace=namespace, uid=uid)
    except NotFound:
        run.log(_("%(name)s is gone already.") % {"name": name})
        return [result("deployment", name, _("was gone already"))]
    return [result("deployment", name, _("deleted"))]


def _delete_services(run: Run, kubernetes: Kubernetes, namespace: str, name: str) -> list[dict[str, Any]]:
    """The Services that were made for this deployment; others that select its pods are not ours to remove."""
    own = {labels.APP: name, labels.SERVICE_TYPE: labels.MODEL_SERVICE}
    found = kubernetes.list("services", namespace=namespace, label_selector=labels.selector(own))
    names = [str(service["metadata"]["name"]) for service in found]
    for service in names:
        _ignore_missing(kubernetes, "services", service, namespace)
        run.log(_("Deleted Service %(name)s.") % {"name": service})
    return [result("service", service, _("deleted")) for service in names]


def delete_secrets(kubernetes: Kubernetes, cluster_id: int, namespace: str, name: str) -> None:
    """The Secrets whose names the records of this deployment hold (the portal may not list Secrets)."""
    place = {"cluster_id": cluster_id, "namespace": namespace, "name": name}
    known = ModelDeployment.objects.filter(**place).exclude(secret_name="")
    for secret in known.values_list("secret_name", flat=True):
        _ignore_missing(kubernetes, "secrets", secret, namespace)


def result(resource: str, name: str, output: str) -> dict[str, Any]:
    """One line of an answer to `/api/undeploy`."""
    return {"resource": resource, "name": name, "success": True, "output": output}


def _ignore_missing(kubernetes: Kubernetes, resource: str, name: str, namespace: str) -> None:
    try:
        kubernetes.delete(resource, name, namespace=namespace)
    except NotFound:
        pass


def _is_lent(kubernetes: Kubernetes, record: ModelDeployment) -> bool:
    pods = kubernetes.list(
        "pods", namespace=record.namespace, label_selector=labels.selector({labels.APP: record.name})
    )
    lent = (pod["metadata"].get("labels", {}).get(labels.BUSINESS, "") for pod in pods)
    return any(business and not labels.is_reserved(business) for business in lent)


def _remove_own(run: Run, kubernetes: Kubernetes, manifest: dict[str, Any]) -> None:
    metadata = manifest["metadata"]
    try:
        live = kubernetes.get(
            KINDS[manifest["kind"]], metadata["name"], namespace=metadata.get("namespace", "")
        )
    except NotFound:
        return
    if _made_by(live) == metadata["annotations"][labels.OPERATION]:
        kind, namespace = KINDS[manifest["kind"]], metadata.get("namespace", "")
        _ignore_missing(kubernetes, kind, metadata["name"], namespace)
        run.log(_("Took back %(kind)s %(name)s.") % {"kind": manifest["kind"], "name": metadata["name"]})


def _remove_secret(run: Run, kubernetes: Kubernetes, record: ModelDeployment) -> None:
    if record.secret_name:
        _ignore_missing(kubernetes, "secrets", record.secret_name, record.namespace)
        run.log(_("Took back Secret %(name)s.") % {"name": record.secret_name})
