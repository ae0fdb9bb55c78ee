"""Ending a drain without its goal: the pod goes back to the business that it came from (the intent knows
it).
"""

from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.gateways.kubernetes import Kubernetes
from apps.pools.handover.moving import change_hands
from apps.pools.handover.wish import Wish
from apps.pools.live_view import businesses_of
from apps.pools.models import Holding, Intent
from apps.pools.refusals import Moved, NotLive, UnknownPod
from apps.pools.statuses import Source


def put_back(kubernetes: Kubernetes, drained: Intent) -> bool:
    """Give the pod back, or free it when its business has no service any more.

    False when there is nothing to give back: the pod is gone, or is not draining for this intent any more.
    """
    if not Holding.objects.filter(intent=drained, to_at=None).exists():
        return False
    record = drained.pool
    known = businesses_of(kubernetes, namespace=record.namespace, pool=record.name)
    wish = Wish(
        pod=drained.pod_name,
        origin=labels.DRAINING,
        business=drained.origin if drained.origin in known else labels.UNASSIGNED,
        force=True,
        internal=True,
        source=Source.RECONCILER,
        operation_id=drained.operation_id,
        reason=str(_("The drain did not reach its goal.")),
    )
    try:
        change_hands(kubernetes, record, wish)
    except (Moved, NotLive, UnknownPod):
        return False
    return True
