"""The end of a pool: refused while its pods are lent, unless the person typed its name."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.gateways import labels
from apps.gateways.errors import Forbidden, NotFound
from apps.gateways.kubernetes import Kubernetes
from apps.inference import records as inference_records
from apps.inference.naming import priority_class
from apps.inference.operations import delete_secrets
from apps.inference.targets import DeploymentTarget
from apps.live import mirror
from apps.operations.control import OperationFailed
from apps.operations.models import Operation
from apps.operations.run import Seen
from apps.operations.services import start
from apps.pools import business
from apps.pools.guard.actions import take_away
from apps.pools.handover.records import record_of
from apps.pools.live_view import pods_of
from apps.pools.models import PoolRecord
from apps.pools.refusals import NeedsForce, PoolProblem
from apps.pools.scaling.names import fence_name, is_detached
from apps.pools.targets import PoolTarget


class OnlyWhole(PoolProblem):
    """A pool is deleted whole."""

    problem_status = 422
    problem_code = "only_whole"


def undeploy_pool(
    *, deployment: DeploymentTarget, part: str = "all", confirm: str = "", key: str = "", **_rest: Any
) -> Operation:
    """The handler for `undeploy` on a pool: checks what the mirror knows, then starts the operation."""
    from apps.pools.operations import remove_pool  # the operation needs this module's checks

    if part == "service":
        raise OnlyWhole(_("Delete a pool's business services one by one, on its page."))
    confirmed = confirm == deployment.name
    lent = lent_in_mirror(deployment.cluster_id, deployment.namespace, deployment.name)
    if lent and not confirmed:
        raise NeedsForce(words_for(deployment.name, lent))
    record = record_of(deployment.cluster_id, deployment.namespace, deployment.name)
    return start(
        remove_pool,
        target=deployment,
        key=key,
        pool_id=record.pk,
        uid=deployment.uid,
        confirmed=confirmed,
    )


def lent_in_mirror(cluster_id: int, namespace: str, pool: str) -> int:
    """How many pods of the pool are lent, as far as the mirror knows."""
    pods = mirror.objects(cluster_id, "pods").filter(
        namespace=namespace,
        labels__contains={labels.MODEL: pool, labels.DEPLOYMENT_TYPE: labels.MODEL_POOL},
        data__deleting="",
    )
    return (
        pods.exclude(data__phase__in=["Succeeded", "Failed"])
        .exclude(data__business__in=["", labels.UNASSIGNED])
        .count()
    )


def words_for(pool: str, lent: int) -> str:
    """Why the pool is not deleted without its name."""
    words = ngettext(
        "%(count)d pod of %(pool)s is lent. Type the pool's name to delete it all the same.",
        "%(count)d pods of %(pool)s are lent. Type the pool's name to delete it all the same.",
        lent,
    )
    return words % {"count": lent, "pool": pool}


def check(kubernetes: Kubernetes, *, namespace: str, pool: str, uid: str, confirmed: bool) -> None:
    """The same, asked of the cluster itself right before the deletion."""
    try:
        deployment = kubernetes.get("deployments", pool, namespace=namespace)
    except NotFound:
        return
    if uid and deployment["metadata"]["uid"] != uid:
        raise OperationFailed(_("%(pool)s was deleted and made again meanwhile.") % {"pool": pool})
    pods = pods_of(kubernetes, namespace=namespace, pool=pool)
    lent = sum(pod.alive and pod.business != labels.UNASSIGNED for pod in pods)
    if lent and not confirmed:
        raise OperationFailed(words_for(pool, lent))


def delete(
    kubernetes: Kubernetes, *, namespace: str, pool: str, uid: str, log: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Delete the services first, so that nobody is sent to pods that go, then the Deployment."""
    results = []
    for service in business.services_of(kubernetes, namespace=namespace, pool=pool):
        business.remove(kubernetes, namespace=namespace, service=service)
        log(_("Deleted business service %(name)s.") % {"name": service.name})
        results.append(result("service", service.name))
    try:
        kubernetes.delete("deployments", pool, namespace=namespace, uid=uid)
    except NotFound:
        log(_("%(pool)s is gone already.") % {"pool": pool})
    delete_detached(kubernetes, namespace=namespace, pool=pool)
    return [*results, result("deployment", pool)]


def delete_detached(kubernetes: Kubernetes, *, namespace: str, pool: str) -> None:
    """Pods that a scale-down took out of the pool have no owner that would take them along."""
    for pod in pods_of(kubernetes, namespace=namespace, pool=pool):
        if is_detached(pod):
            delete_quietly(kubernetes, "pods", pod.name, namespace=namespace, uid=pod.uid)


def delete_quietly(
    kubernetes: Kubernetes, resource: str, name: str, *, namespace: str = "", uid: str = ""
) -> None:
    """Delete it; gone already is fine."""
    try:
        kubernetes.delete(resource, name, namespace=namespace, uid=uid)
    except NotFound:
        return


def result(resource: str, name: str) -> dict[str, Any]:
    """One line of an answer to `/api/undeploy`."""
    return {"resource": resource, "name": name, "success": True, "output": _("deleted")}


def ended(kubernetes: Kubernetes, *, namespace: str, pool: str) -> Seen:
    """Whether all pods of the pool have ended."""
    left = len(pods_of(kubernetes, namespace=namespace, pool=pool))
    words = ngettext("%(count)d pod is still ending", "%(count)d pods are still ending", left)
    return Seen(done=left == 0, text=words % {"count": left} if left else _("all pods have ended"))


def forget(kubernetes: Kubernetes, record: PoolRecord) -> None:
    """The deployment's Secrets and PriorityClass go and its record is closed; the pool's history stays."""
    delete_secrets(kubernetes, record.cluster_id, record.namespace, record.name)
    delete_quietly(kubernetes, "priorityclasses", priority_class(record.namespace, record.name))
    delete_quietly(kubernetes, "resourcequotas", fence_name(record.name), namespace=record.namespace)
    with suppress(NotFound, Forbidden):  # no such kind, or no right to it: then nothing was put up
        take_away(kubernetes, target_of(record))
    inference_records.forget(cluster_id=record.cluster_id, namespace=record.namespace, name=record.name)


def target_of(record: PoolRecord) -> PoolTarget:
    """The pool of a row."""
    return PoolTarget(record.cluster_id, record.cluster.slug, record.namespace, record.name)
