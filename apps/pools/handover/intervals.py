"""Writing the history: intervals are opened, fitted in and closed here only, under the pool's lock.

Moments of one pod are ordered by its resourceVersion, not by when we hear of them: news of the watch may
come after a change that was decided meanwhile, and is then fitted in where it belongs, or found to be known
already.
"""

from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.gateways import labels
from apps.pools.handover.records import count
from apps.pools.handover.words import is_stamp
from apps.pools.history.nodes import facts_for
from apps.pools.live_view import PodFacts
from apps.pools.models import Holding, Intent, PoolRecord
from apps.pools.statuses import Source


def current(record: PoolRecord, uid: str) -> Holding | None:
    """The pod's open interval."""
    return Holding.objects.filter(pool=record, pod_uid=uid, to_at=None).first()


def turn(record: PoolRecord, pod: PodFacts, intent: Intent, *, at: datetime | None = None) -> Holding:
    """The interval of a change of ours that is done: closes the pod's last one. The time never goes back.

    `pod` is a moment after the change. When its label is another one already, somebody changed it since: that
    moment gets an interval of its own. Where the pod's end is known already, the change was before it.
    """
    before = current(record, pod.uid) or last(record, pod.uid)
    ended = before.to_at if before and not pod.alive else None
    moment = min(at or timezone.now(), ended or timezone.now())
    if before:
        moment = max(moment, before.from_at)
        Holding.objects.filter(pk=before.pk).exclude(to_at__lt=moment).update(to_at=moment)
    overtaken = pod.business != intent.business
    made = Holding.objects.create(
        pool=record,
        **of_pod(record, pod),
        business=intent.business,
        previous=before.business if before else "",
        from_at=moment,
        to_at=ended,
        version=pod.version - overtaken,
        source=intent.source,
        by=intent.actor_name,
        reason=intent.reason,
        intent=intent,
    )
    count(record)
    if overtaken:
        place(record, pod)
    return made


def last(record: PoolRecord, uid: str) -> Holding | None:
    """The pod's newest interval, closed or not."""
    return Holding.objects.filter(pool=record, pod_uid=uid).order_by("version", "pk").last()


def place(record: PoolRecord, pod: PodFacts, *, fresh: bool = False) -> None:
    """Fit one moment of a pod into its history: known already, or a change that no intent explains.

    `fresh` says that the moment was read from the cluster just now, so that a pod whose last interval was
    closed is alive again (it left the pool and came back).
    """
    pull_own(record, pod)
    mine = Holding.objects.filter(pool=record, pod_uid=pod.uid)
    before = mine.filter(version__lte=pod.version).order_by("-version", "-pk").first()
    after = mine.filter(version__gt=pod.version).order_by("version", "pk").first()
    over = before is not None and before.to_at is not None and after is None
    if before and before.business == pod.business and not (over and fresh):
        return
    if after and after.business == pod.business and after.intent_id is None:
        Holding.objects.filter(pk=after.pk).update(version=pod.version)
        return
    if not over or fresh:
        fit_in(record, pod, before, after)


def pull_own(record: PoolRecord, pod: PodFacts) -> None:
    """A moment that carries the stamp of a written change is not before that change: it may prove it
    earlier.
    """
    if not is_stamp(pod.stamp):
        return
    own = Holding.objects.filter(pool=record, pod_uid=pod.uid, intent_id=pod.stamp).first()
    if own and own.version > pod.version:
        earlier = pod.version if own.business == pod.business else pod.version - 1
        Holding.objects.filter(pk=own.pk).update(version=earlier)


def fit_in(record: PoolRecord, pod: PodFacts, before: Holding | None, after: Holding | None) -> None:
    """Insert an interval between two, or at an end: the pod's birth, or a change from outside."""
    moment = moment_of(pod, before, after)
    if before and (before.to_at is None or before.to_at > moment):
        Holding.objects.filter(pk=before.pk).update(to_at=moment)
    born = before is None and pod.business == labels.UNASSIGNED
    Holding.objects.create(
        pool=record,
        **of_pod(record, pod),
        business=pod.business,
        previous=before.business if before else "",
        from_at=moment,
        to_at=after.from_at if after else None,
        version=pod.version,
        source=Source.CLUSTER if born else Source.EXTERNAL,
        by="" if born else pod.writer,
    )
    if after:
        Holding.objects.filter(pk=after.pk).update(previous=pod.business)
    count(record)


def moment_of(pod: PodFacts, before: Holding | None, after: Holding | None) -> datetime:
    """When the label was written, as the cluster noted it (whole seconds), kept between its neighbours."""
    latest = after.from_at if after else timezone.now()
    noted = parse_datetime(pod.written_at) if pod.written_at and before else None
    moment = min(noted or latest, latest)
    return max(moment, before.from_at) if before else moment


def of_pod(record: PoolRecord, pod: PodFacts) -> dict[str, str | int]:
    """What an interval keeps of its pod and of the node below it."""
    node = facts_for(record.cluster_id, pod.node)
    return {"pod_uid": pod.uid, "pod_name": pod.name, "node": pod.node, "gpus": pod.gpus, **node}


def end(record: PoolRecord, uids: list[str]) -> int:
    """Close the intervals of pods that are not alive any more. Returns how many."""
    closed = Holding.objects.filter(pool=record, pod_uid__in=uids, to_at=None).update(to_at=timezone.now())
    if closed:
        count(record)
    return closed
