"""The JSON API of pools: canonical, and as the earlier panel's users call it.

Types are strict; a refusal is a problem with `success: false`, its words and a code (`moved`, `needs_force`,
...).
"""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Path, Router, Status

from apps.accounts import policy
from apps.clusters import choice
from apps.clusters import selectors as clusters
from apps.clusters.choice import Ambiguous
from apps.clusters.models import Cluster
from apps.operations.services import operation_url
from apps.pools import actions, selectors, shapes
from apps.pools.business import ServiceWish
from apps.pools.permissions import VIEW
from apps.pools.refusals import UnknownPool
from apps.pools.scaling.actions import scale_pool
from apps.pools.selectors import PoolRow
from apps.pools.shares.asking import Answer
from apps.pools.targets import PodTarget, PoolTarget

router = Router(tags=["pools"])
flat_router = Router(tags=["earlier panel"])


@router.get("/pools", url_name="pool_list", response=list[shapes.PoolOut], summary="Pools")
def pools(request: HttpRequest, cluster: Path[str]) -> list[shapes.PoolOut]:
    """Every pool of the cluster with its pods and its split."""
    row = seen(request, cluster)
    return [shapes.pool_out(pool) for pool in selectors.pools(row.pk)]


@router.get("/pools/{namespace}/{name}", url_name="pool_detail", response=shapes.PoolOut, summary="One pool")
def pool(request: HttpRequest, cluster: Path[str], namespace: str, name: str) -> shapes.PoolOut:
    """One pool with its pods and its split."""
    return shapes.pool_out(found(seen(request, cluster), namespace, name))


@router.post(
    "/pools/{namespace}/{name}/pods/{pod}/business",
    url_name="pool_assign",
    response=shapes.MovedOut,
    summary="Lend a pod",
)
def assign(
    request: HttpRequest, cluster: Path[str], namespace: str, name: str, pod: str, wish: shapes.AssignIn
) -> shapes.MovedOut:
    """Move a pod to a business or to `unassigned`, at once or drained."""
    place = target(seen(request, cluster), namespace, name)
    who, what = choice.person(request), PodTarget(place, pod, wish.business)
    common: dict[str, Any] = {"origin": wish.origin, "force": wish.force, "reason": wish.reason}
    common["share"] = Answer(wish.share, wish.minutes)
    if wish.drain:
        return shapes.draining_out(what, actions.drain_pod(by=who, pod=what, timeout=wish.timeout, **common))
    return shapes.moved_out(actions.assign_pod(by=who, pod=what, **common))


@router.get(
    "/pools/{namespace}/{name}/services",
    url_name="pool_services",
    response=list[shapes.BusinessServiceOut],
    summary="Its businesses",
)
def services(
    request: HttpRequest, cluster: Path[str], namespace: str, name: str
) -> list[shapes.BusinessServiceOut]:
    """The pool's business services."""
    return [shapes.service_out(item) for item in found(seen(request, cluster), namespace, name).services]


@router.post(
    "/pools/{namespace}/{name}/services",
    url_name="pool_services",
    response={201: shapes.ServiceMadeOut},
    summary="New business",
)
def create_service(
    request: HttpRequest, cluster: Path[str], namespace: str, name: str, wish: shapes.ServiceIn
) -> Status[shapes.ServiceMadeOut]:
    """Create a business service."""
    place = target(seen(request, cluster), namespace, name)
    wanted = ServiceWish(name=wish.name, business=wish.business, external=wish.external)
    return Status(201, made_out(request, place, wanted))


@router.delete(
    "/pools/{namespace}/{name}/services/{service}",
    url_name="pool_service",
    response=shapes.RemovedOut,
    summary="End a business",
)
def delete_service(
    request: HttpRequest, cluster: Path[str], namespace: str, name: str, service: str, force: bool = False
) -> shapes.RemovedOut:
    """Delete a business service; `force` when its pods serve, which then return to the free stock."""
    place = target(seen(request, cluster), namespace, name)
    started = actions.delete_business_service(
        by=choice.person(request), pool=place, name=service, force=force
    )
    words = _("Deleted.") if started is None else _("Its pods return to the free stock.")
    return shapes.RemovedOut(
        message=words,
        operation=started.pk if started else None,
        operationUrl=operation_url(started.pk) if started else "",
    )


@flat_router.post("/assign-pod", url_name="assign_pod", response=shapes.MovedOut, summary="Lend a pod")
def flat_assign(
    request: HttpRequest, wish: shapes.FlatAssignIn, cluster: str = "", namespace: str = ""
) -> shapes.MovedOut:
    """Move a pod at once."""
    place = named(request, cluster, namespace, wish.modelName)
    pod = PodTarget(place, wish.podName, wish.businessTag)
    return shapes.moved_out(
        actions.assign_pod(
            by=choice.person(request),
            pod=pod,
            origin=wish.origin,
            force=wish.force,
            share=Answer(wish.share, wish.minutes),
        )
    )


@flat_router.post(
    "/scale-pool-deployment",
    url_name="scale_pool_deployment",
    response=shapes.FlatScaleOut,
    summary="Scale a pool",
)
def flat_scale_pool(
    request: HttpRequest, wish: shapes.FlatScaleIn, cluster: str = "", namespace: str = ""
) -> shapes.FlatScaleOut:
    """Only unassigned pods go; a refusal has the same fields with `success: false` and `error`."""
    place = named(request, cluster, namespace, wish.deploymentName)
    before = selectors.pool(place.cluster_id, place.namespace, place.name)
    if before is None:
        raise missing(place.name)
    started = scale_pool(by=choice.person(request), pool=place, replicas=wish.targetReplicas)
    return shapes.FlatScaleOut(
        currentReplicas=before.replicas,
        targetReplicas=wish.targetReplicas,
        unassignedPods=before.status.free,
        operation=started.pk,
        operationUrl=operation_url(started.pk),
    )


@flat_router.post(
    "/deploy-service",
    url_name="deploy_service",
    response=shapes.ServiceMadeOut,
    summary="New business service",
)
def flat_deploy_service(
    request: HttpRequest, wish: shapes.FlatServiceIn, cluster: str = "", namespace: str = ""
) -> shapes.ServiceMadeOut:
    """Create a business service."""
    place = named(request, cluster, namespace, wish.modelPool)
    wanted = ServiceWish(name=wish.serviceName, business=wish.businessTag, external=wish.isExternal)
    return made_out(request, place, wanted)


@flat_router.get(
    "/business-services",
    url_name="business_services",
    response=list[shapes.BusinessServiceOut],
    summary="Business services",
)
def flat_business_services(
    request: HttpRequest, cluster: str = "", namespace: str = ""
) -> list[shapes.BusinessServiceOut]:
    """All business services of the cluster, or of one namespace."""
    row = seen(request, choice.cluster(choice.person(request), cluster).slug)
    listed = selectors.business_services(row.pk)
    return [shapes.service_out(item) for item in listed if namespace in ("", item.namespace)]


@flat_router.get(
    "/pool-status/{name}", url_name="pool_status", response=shapes.StatusOut, summary="A pool's split"
)
def flat_pool_status(
    request: HttpRequest, name: str, cluster: str = "", namespace: str = ""
) -> shapes.StatusOut:
    """Live pods per business; only `unassigned` ones are available for scale-down."""
    place = named(request, cluster, namespace, name)
    pool = selectors.pool(place.cluster_id, place.namespace, place.name)
    if pool is None:
        raise missing(name)
    return shapes.StatusOut.model_validate(shapes.status_fields(pool))


def seen(request: HttpRequest, slug: str) -> Cluster:
    """The cluster, if the caller may see its pools."""
    person = choice.person(request)
    row = clusters.cluster(person, slug)
    policy.require(person, VIEW, cluster=row.slug)
    return row


def found(row: Cluster, namespace: str, name: str) -> PoolRow:
    """One pool of the mirror, or UnknownPool."""
    pool = selectors.pool(row.pk, namespace, name)
    if pool is None:
        raise missing(name)
    return pool


def target(row: Cluster, namespace: str, name: str) -> PoolTarget:
    """The pool to act on, or UnknownPool: nothing is written down about pools that were never seen."""
    if not selectors.is_pool(row.pk, namespace, name):
        raise missing(name)
    return PoolTarget(cluster_id=row.pk, cluster=row.slug, namespace=namespace, name=name)


def named(request: HttpRequest, cluster: str, namespace: str, name: str) -> PoolTarget:
    """The pool that a flat path means: of that name in the named or only cluster, and namespace."""
    row = seen(request, choice.cluster(choice.person(request), cluster).slug)
    known = selectors.pools(row.pk, namespace=namespace, name=name)
    if not known:
        raise missing(name)
    if len(known) > 1:
        places = ", ".join(pool.namespace for pool in known)
        raise Ambiguous(
            _("Several pools are called so: add ?namespace= with one of %(places)s.") % {"places": places}
        )
    return target(row, known[0].namespace, name)


def missing(name: str) -> UnknownPool:
    """There is no such pool."""
    return UnknownPool(_("There is no pool “%(name)s”.") % {"name": name[:80]})


def made_out(request: HttpRequest, place: PoolTarget, wish: ServiceWish) -> shapes.ServiceMadeOut:
    """Create and describe."""
    made = actions.create_business_service(by=choice.person(request), pool=place, wish=wish)
    return shapes.ServiceMadeOut(
        message=_("%(name)s was created.") % {"name": made.name},
        serviceName=made.name,
        businessTag=made.business,
        modelPool=place.name,
        namespace=place.namespace,
    )
