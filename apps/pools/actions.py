"""What people do with pools: permitted, audited; the cluster is changed between short transactions."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from apps.audit.actions import action, note
from apps.clusters.connections import connect
from apps.gateways import labels
from apps.operations import services
from apps.operations.models import Operation
from apps.pools import business as business_services
from apps.pools import operations
from apps.pools.business import BusinessService, ServiceWish
from apps.pools.engine import busy
from apps.pools.handover.decide import rehearse
from apps.pools.handover.moving import change_hands
from apps.pools.handover.records import record_of
from apps.pools.handover.wish import Wish
from apps.pools.live_view import PoolView, look
from apps.pools.models import Intent
from apps.pools.permissions import ASSIGN, CHANGE_SERVICE
from apps.pools.refusals import NeedsForce, PoolProblem
from apps.pools.shares.asking import NO_ANSWER, Answer, asked
from apps.pools.targets import PodTarget, PoolTarget

DRAIN_SECONDS = 120
SHORTEST, LONGEST = 5, 3600


class BadTimeout(PoolProblem):
    """A drain's timeout outside of its bounds."""

    problem_status = 422
    problem_code = "invalid"


@action("pools.assign_pod", permission=ASSIGN, target="pod", label=_lazy("Assign pod"), atomic=False)
def assign_pod(
    *,
    pod: PodTarget,
    origin: str | None = None,
    force: bool = False,
    batch: str = "",
    share: Answer = NO_ANSWER,
) -> Intent:
    """Move a pod to `pod.business` at once. `origin` is what the person saw it lent to; `share` what is to
    become of the pool's shares.

    Raises PoolProblem in words when it does not move, or when `force` must be said; GatewayError.
    """
    note(before={"business": origin}, after={"business": pod.business})
    record = record_of(pod.pool.cluster_id, pod.pool.namespace, pod.pool.name)
    wish = Wish(pod=pod.name, business=pod.business, origin=origin, force=force, batch=batch)
    kubernetes = connect(pod.pool.cluster_id).kubernetes
    with asked(kubernetes, record, pod=pod.name, business=pod.business, answer=share):
        intent = change_hands(kubernetes, record, wish)
    note(before={"business": intent.origin}, after={"intent": str(intent.pk)})
    return intent


@action("pools.drain_pod", permission=ASSIGN, target="pod", label=_lazy("Move pod, drained"), atomic=False)
def drain_pod(
    *,
    pod: PodTarget,
    origin: str | None = None,
    force: bool = False,
    timeout: int = DRAIN_SECONDS,
    key: str = "",
    batch: str = "",
    share: Answer = NO_ANSWER,
) -> Operation:
    """Move a pod once its running requests have ended, or after `timeout` seconds (5 to 3600).

    The rules are asked at once, so that a refusal is not found in a log. Raises PoolProblem, Busy,
    GatewayError.
    """
    if not SHORTEST <= timeout <= LONGEST:
        raise BadTimeout(_("A drain takes 5 to 3600 seconds."))
    record = record_of(pod.pool.cluster_id, pod.pool.namespace, pod.pool.name)
    wish = Wish(pod=pod.name, business=pod.business, origin=origin, force=force)
    kubernetes = connect(pod.pool.cluster_id).kubernetes
    seen = rehearse(kubernetes, record, wish)
    note(before={"business": seen.business}, after={"business": pod.business, "drain_seconds": timeout})
    shared = asked(kubernetes, record, pod=pod.name, business=pod.business, answer=share)
    with shared, transaction.atomic():
        return services.start(
            operations.drain_move,
            target=pod,
            key=key,
            pool_id=record.pk,
            pod=pod.name,
            origin=seen.business,
            business=pod.business,
            timeout=timeout,
            force=force,
            batch=batch,
        )


def has_requests(pod: PodTarget) -> bool:
    """Whether a lent pod has requests in hand, so that a drained move is the better one."""
    kubernetes = connect(pod.pool.cluster_id).kubernetes
    view = look(kubernetes, namespace=pod.pool.namespace, name=pod.pool.name)
    found = view.pod(pod.name)
    lent = found is not None and not labels.is_reserved(found.business)
    return found is not None and lent and busy(kubernetes, found)


@action(
    "pools.create_business_service",
    permission=CHANGE_SERVICE,
    target="pool",
    label=_lazy("Create business service"),
    atomic=False,
)
def create_business_service(*, pool: PoolTarget, wish: ServiceWish) -> BusinessService:
    """Make a Service for one business of a pool. Raises ServiceProblem with its field, GatewayError."""
    note(after={"service": wish.name, "business": wish.business, "external": wish.external})
    kubernetes = connect(pool.cluster_id).kubernetes
    return business_services.create(kubernetes, namespace=pool.namespace, pool=pool.name, wish=wish)


@action(
    "pools.delete_business_service",
    permission=CHANGE_SERVICE,
    target="pool",
    label=_lazy("Delete business service"),
    atomic=False,
)
def delete_business_service(
    *, pool: PoolTarget, name: str, force: bool = False, timeout: int = DRAIN_SECONDS
) -> Operation | None:
    """Delete a business' Service; when it was its last one, the pods return to stock, drained.

    Returns the operation that does that, None when no pod has to move. Asks (NeedsForce) while pods serve.
    """
    kubernetes = connect(pool.cluster_id).kubernetes
    service = business_services.find(kubernetes, namespace=pool.namespace, pool=pool.name, name=name)
    view = look(kubernetes, namespace=pool.namespace, name=pool.name)
    pods = pods_to_free(view, service)
    note(before={"service": name, "business": service.business, "pods": pods}, after={"service": None})
    if pods and not force:
        raise NeedsForce(words_for(service, len(pods)))
    if not pods:
        business_services.remove(kubernetes, namespace=pool.namespace, service=service)
        return None
    record = record_of(pool.cluster_id, pool.namespace, pool.name)
    with transaction.atomic():
        return services.start(
            operations.end_business,
            target=pool,
            pool_id=record.pk,
            service=service.name,
            uid=service.uid,
            tag=service.business,
            pods=pods,
            timeout=timeout,
        )


def pods_to_free(view: PoolView, service: BusinessService) -> list[str]:
    """The live pods of a business that loses its last service."""
    others: set[Any] = set(view.businesses.get(service.business, ())) - {service.name}
    if others:
        return []
    return [pod.name for pod in view.pods if pod.business == service.business and view.live(pod)]


def words_for(service: BusinessService, count: int) -> str:
    """What the deletion would do."""
    words = ngettext(
        "%(count)d pod serves %(business)s; it would return to the free stock.",
        "%(count)d pods serve %(business)s; they would return to the free stock.",
        count,
    )
    return words % {"count": count, "business": service.business}
