"""Writing the history: intervals are opened and closed here only, under the pool's lock."""

from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.gateways import labels
from apps.pools.handover.records import count
from apps.pools.live_view import PodFacts
from apps.pools.models import Holding, Intent, PoolRecord
from apps.pools.statuses import Source


def current(record: PoolRecord, uid: str) -> Holding | None:
    """The pod's open interval."""
    return Holding.objects.filter(pool=record, pod_uid=uid, to_at=None).first()


def turn(
    record: PoolRecord,
    pod: PodFacts,
    *,
    business: str,
    source: Source,
    by: str = "",
    reason: str = "",
    intent: Intent | None = None,
    at: datetime | None = None,
) -> Holding:
    """Close the pod's interval and open the next one; the time never goes back."""
    before = current(record, pod.uid)
    moment = min(at or timezone.now(), timezone.now())
    if before:
        moment = max(moment, before.from_at)
        before.to_at = moment
        before.save(update_fields=["to_at"])
    count(record)
    return Holding.objects.create(
        pool=record,
        pod_uid=pod.uid,
        pod_name=pod.name,
        node=pod.node,
        gpus=pod.gpus,
        business=business,
        previous=before.business if before else "",
        from_at=moment,
        source=source,
        by=by,
        reason=reason,
        intent=intent,
    )


def begin(record: PoolRecord, pod: PodFacts) -> Holding:
    """The first interval of a pod: as the template made it, or as somebody had already labelled it."""
    if pod.business == labels.UNASSIGNED:
        return turn(record, pod, business=pod.business, source=Source.CLUSTER)
    return external(record, pod)


def external(record: PoolRecord, pod: PodFacts) -> Holding:
    """A change that no intent explains: by the field manager that wrote the label, when it did so."""
    return turn(
        record,
        pod,
        business=pod.business,
        source=Source.EXTERNAL,
        by=pod.writer,
        at=parse_datetime(pod.written_at) if pod.written_at else None,
    )


def end(record: PoolRecord, uids: list[str]) -> int:
    """Close the intervals of pods that are not alive any more. Returns how many."""
    closed = Holding.objects.filter(pool=record, pod_uid__in=uids, to_at=None).update(to_at=timezone.now())
    if closed:
        count(record)
    return closed
