"""Business services: their rules, their making and their end in the cluster."""

import re
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.audit import context
from apps.gateways import labels, manifests
from apps.gateways.errors import AlreadyExists, NotFound
from apps.gateways.kubernetes import Kubernetes
from apps.pools.refusals import PoolProblem, UnknownPool

DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
DEFAULT_PORT = 8000


class ServiceProblem(PoolProblem):
    """A business service that cannot be made; `field` says beside which control the words belong."""

    problem_status = 422
    problem_code = "invalid_service"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Taken(ServiceProblem):
    """The name or the tag is in use."""

    problem_status = 409
    problem_code = "taken"


class UnknownService(PoolProblem):
    """The pool has no such business service."""

    problem_status = 404
    problem_code = "unknown_service"


@dataclass(frozen=True)
class ServiceWish:
    """A wished business service. `external`: reached from outside the cluster through a load balancer."""

    name: str
    business: str
    external: bool = False


@dataclass(frozen=True)
class BusinessService:
    """A Service of the cluster that gives a business its pods. `created`: to the second, as ISO text."""

    name: str
    uid: str
    business: str
    created: str
    revision: int = 0


def name_problem(name: str) -> str:
    """Why Kubernetes refuses a Service of this name; empty when it does not."""
    if problem := labels.name_problem(name):
        return problem
    return "" if DNS_1035.fullmatch(name) else _("A Service's name begins with a letter.")


def check(wish: ServiceWish) -> None:
    """Raise ServiceProblem for a name or a tag that cannot be."""
    if problem := name_problem(wish.name):
        raise ServiceProblem("name", problem)
    if problem := labels.business_problem(wish.business):
        raise ServiceProblem("business", problem)


def create(kubernetes: Kubernetes, *, namespace: str, pool: str, wish: ServiceWish) -> BusinessService:
    """Make the Service. Raises ServiceProblem, Taken, UnknownPool, GatewayError.

    Two people may ask for the same tag under two names at the same moment: then the later Service is taken
    back, so that a tag has one service made here.
    """
    check(wish)
    deployment = pool_deployment(kubernetes, namespace, pool)
    refuse_taken(services_of(kubernetes, namespace=namespace, pool=pool), wish)
    made = send(kubernetes, manifest_of(deployment, namespace, pool, wish))
    rivals = services_of(kubernetes, namespace=namespace, pool=pool)
    older = [item for item in rivals if item.uid != made.uid and age(item) < age(made)]
    if any(item.business == wish.business for item in older):
        remove(kubernetes, namespace=namespace, service=made)
        refuse_taken(older, wish)
    return made


def age(service: BusinessService) -> tuple[str, int]:
    """The order in which Services were made, as the one must see it who came later: the other may have looked
    before. Revisions grow with each write of a cluster.
    """
    return service.created, service.revision


def send(kubernetes: Kubernetes, manifest: dict[str, Any]) -> BusinessService:
    """Create the object; a name in use is said beside the name."""
    try:
        return described(kubernetes.create(manifest))
    except AlreadyExists as error:
        words = _("There is already a Service “%(name)s” in this namespace.")
        raise Taken("name", words % {"name": manifest["metadata"]["name"]}) from error


def manifest_of(deployment: dict[str, Any], namespace: str, pool: str, wish: ServiceWish) -> dict[str, Any]:
    """The Service's manifest, on the port of the pool's containers."""
    return manifests.render(
        "business_service",
        name=wish.name,
        namespace=namespace,
        pool=pool,
        business=wish.business,
        port=port_of(deployment),
        load_balancer="internet-facing" if wish.external else None,
        actor=context.current().actor_name,
    )[0]


def port_of(deployment: dict[str, Any]) -> int:
    """The first container port of the pool."""
    containers = deployment["spec"]["template"]["spec"]["containers"]
    ports = [port["containerPort"] for container in containers for port in container.get("ports") or []]
    return int(ports[0]) if ports else DEFAULT_PORT


def pool_deployment(kubernetes: Kubernetes, namespace: str, pool: str) -> dict[str, Any]:
    """The pool's Deployment. Raises UnknownPool when there is none, or it is no pool."""
    try:
        deployment = kubernetes.get("deployments", pool, namespace=namespace)
    except NotFound as error:
        raise UnknownPool(_("There is no pool “%(name)s”.") % {"name": pool}) from error
    if (deployment["metadata"].get("labels") or {}).get(labels.DEPLOYMENT_TYPE) != labels.MODEL_POOL:
        raise UnknownPool(_("“%(name)s” is not a Model Pool.") % {"name": pool})
    return deployment


def refuse_taken(services: list[BusinessService], wish: ServiceWish) -> None:
    """A tag is given once per pool."""
    for service in services:
        if service.business == wish.business:
            words = _("“%(tag)s” is served by “%(service)s” already.")
            raise Taken("business", words % {"tag": wish.business, "service": service.name})


def services_of(kubernetes: Kubernetes, *, namespace: str, pool: str) -> list[BusinessService]:
    """The pool's business services, asked of the cluster."""
    selector = labels.selector({labels.SERVICE_TYPE: labels.BUSINESS_SERVICE})
    found = kubernetes.list("services", namespace=namespace, label_selector=selector)
    return [described(item) for item in found if selects(item, pool)]


def selects(service: dict[str, Any], pool: str) -> bool:
    """Whether a Service gives pods of this pool to somebody."""
    chosen = service["spec"].get("selector") or {}
    going = service["metadata"].get("deletionTimestamp")
    return chosen.get(labels.MODEL) == pool and bool(chosen.get(labels.BUSINESS)) and not going


def described(service: dict[str, Any]) -> BusinessService:
    """The API's object as our value."""
    meta = service["metadata"]
    tag = (service["spec"].get("selector") or {}).get(labels.BUSINESS, "")
    created, revision = meta.get("creationTimestamp", ""), int(meta.get("resourceVersion", 0))
    return BusinessService(meta["name"], meta["uid"], tag, created, revision)


def find(kubernetes: Kubernetes, *, namespace: str, pool: str, name: str) -> BusinessService:
    """One business service of the pool, or UnknownService."""
    for service in services_of(kubernetes, namespace=namespace, pool=pool):
        if service.name == name:
            return service
    raise UnknownService(_("%(pool)s has no business service “%(name)s”.") % {"pool": pool, "name": name})


def remove(kubernetes: Kubernetes, *, namespace: str, service: BusinessService) -> None:
    """Delete exactly this Service; gone already is as good."""
    try:
        kubernetes.delete("services", service.name, namespace=namespace, uid=service.uid)
    except NotFound:
        return
