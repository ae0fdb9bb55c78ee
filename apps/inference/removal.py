"""Deleting single pods and Services: permitted, audited, and never what is lent or what others made."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.audit import context
from apps.audit.actions import action, note
from apps.clusters.connections import connect
from apps.gateways import labels
from apps.gateways.errors import NotFound
from apps.inference.permissions import CHANGE
from apps.inference.targets import PodTarget, ServiceTarget


class Lent(Exception):
    """The pod serves a business: deleting it needs to be said twice, with a reason."""

    problem_status = 409

    def __init__(self, pod: str, business: str) -> None:
        self.business = business
        self.message = _(
            "“%(pod)s” is lent to %(business)s. Take it back on its pool page, or delete it all the same and "
            "say why."
        ) % {"pod": pod, "business": business}
        super().__init__(self.message)


class NotOurs(Exception):
    """A Service that is not for this page to delete; `message` says whose it is."""

    problem_status = 409

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


@action("inference.delete_pod", permission=CHANGE, target="pod", label=_lazy("Delete pod"), atomic=False)
def delete_pod(*, pod: PodTarget, force: bool = False) -> None:
    """Delete the pod; its deployment makes a new one. One that is gone already is deleted.

    Raises Lent for a pod that serves a business unless `force` is said with a reason; GatewayError.
    """
    note(before={"pool": pod.pool, "business": pod.business}, after={"deleted": True, "forced": force})
    kubernetes = connect(pod.cluster_id).kubernetes
    try:
        business = business_of(kubernetes.get("pods", pod.name, namespace=pod.namespace))
        note(before={"business": business})
        if business and not (force and context.current().reason.strip()):
            raise Lent(pod.name, business)
        kubernetes.delete("pods", pod.name, namespace=pod.namespace, uid=pod.uid)
    except NotFound:
        note(after={"deleted": "was gone already"})


@action(
    "inference.delete_service",
    permission=CHANGE,
    target="service",
    label=_lazy("Delete service"),
    atomic=False,
)
def delete_service(*, service: ServiceTarget) -> None:
    """Delete a Service that leads to a standard deployment. Raises NotOurs for every other; GatewayError."""
    if problem := service_problem(service.labels):
        raise NotOurs(problem)
    note(before={"labels": dict(service.labels)}, after={"deleted": True})
    kubernetes = connect(service.cluster_id).kubernetes
    try:
        kubernetes.delete("services", service.name, namespace=service.namespace, uid=service.uid)
    except NotFound:
        note(after={"deleted": "was gone already"})


def business_of(manifest: Mapping[str, Any]) -> str:
    """Whom the live pod is lent to, or what it is being moved between; the mirror may lag behind that."""
    own = manifest["metadata"].get("labels") or {}
    business = (
        str(own.get(labels.BUSINESS, "")) if own.get(labels.DEPLOYMENT_TYPE) == labels.MODEL_POOL else ""
    )
    return "" if business == labels.UNASSIGNED else business


def is_lent(pod: PodTarget) -> bool:
    """Whether a business has it, or is just giving it back, as the page knows."""
    return bool(pod.pool) and pod.business not in ("", labels.UNASSIGNED)


def service_problem(own: Mapping[str, str]) -> str:
    """Why this page may not delete a Service with these labels; "" when it may."""
    if is_business(own):
        return _("A business gets its pods through it: it is deleted on its pool page.")
    if own.get(labels.MANAGED_BY) != labels.PORTAL:
        return _("The portal did not make it, so it leaves it alone.")
    return ""


def is_business(own: Mapping[str, str]) -> bool:
    """Whether a business gets its pods through a Service with these labels."""
    return own.get(labels.SERVICE_TYPE) == labels.BUSINESS_SERVICE
