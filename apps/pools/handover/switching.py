"""After a change of hands: when the new business' endpoints list the pod, and those of the old one do not.

Read from the mirror, whose EndpointSlices the watcher keeps. Listed is not yet served (node proxies lag
behind), so pages call this "endpoints switched", never "verified".
"""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.gateways import labels
from apps.live import mirror, topics
from apps.live.publish import publish
from apps.pools.models import Intent
from apps.pools.statuses import IntentState

GIVE_UP = timedelta(minutes=10)


def follow(intent: Intent) -> bool:
    """Note the moment if the endpoints have switched by now. Returns whether they have."""
    if intent.state != IntentState.DONE or intent.switched_at or not switched(intent):
        return False
    with transaction.atomic():
        unseen = Intent.objects.filter(pk=intent.pk, switched_at=None, holding__to_at=None)
        if unseen.update(switched_at=timezone.now()):
            record = intent.pool
            publish(topics.pool(record.cluster_id, record.namespace, record.name))
    return True


def follow_all(cluster_id: int, namespaces: set[str] | None = None) -> int:
    """Look at every change of the cluster that still waits for its endpoints. Returns how many have
    switched.
    """
    waiting = Intent.objects.filter(
        pool__cluster_id=cluster_id,
        state=IntentState.DONE,
        switched_at=None,
        holding__to_at=None,
        settled_at__gte=timezone.now() - GIVE_UP,
    )
    if namespaces is not None:
        waiting = waiting.filter(pool__namespace__in=namespaces)
    return sum(follow(intent) for intent in waiting.select_related("pool"))


def switched(intent: Intent) -> bool:
    """Whether the mirror's endpoints are as the change wants them."""
    record = intent.pool
    new = services(record.cluster_id, record.namespace, record.name, intent.business)
    old = services(record.cluster_id, record.namespace, record.name, intent.origin)
    listing = services_listing(record.cluster_id, record.namespace, intent.pod_uid)
    if not labels.is_reserved(intent.business) and not new:
        return False
    return new <= listing and not old & listing


def services(cluster_id: int, namespace: str, pool: str, business: str) -> set[str]:
    """Names of the pool's services of a business, in the mirror."""
    if labels.is_reserved(business):
        return set()
    found = mirror.objects(cluster_id, "services").filter(
        namespace=namespace,
        data__selector__contains={labels.MODEL: pool, labels.BUSINESS: business},
        labels__contains={labels.SERVICE_TYPE: labels.BUSINESS_SERVICE},
    )
    return set(found.values_list("name", flat=True))


def services_listing(cluster_id: int, namespace: str, pod_uid: str) -> set[str]:
    """Names of the services whose mirrored endpoints list the pod as ready."""
    slices = mirror.objects(cluster_id, "endpointslices").filter(
        namespace=namespace, data__endpoints__contains=[{"uid": pod_uid, "ready": True}]
    )
    return set(slices.values_list("data__service", flat=True))
