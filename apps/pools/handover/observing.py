"""What the cluster shows without our doing: pods that start and end, and labels that others change.

Called by the watcher after each commit of mirrored pods, and by the recovery sweep. A row of the mirror may
be older than what was decided meanwhile, so a business that does not fit the history is never believed from
the mirror: the pod is read again, and the reading counts only if nothing was decided in between.
"""

from collections import defaultdict
from collections.abc import Iterable

import structlog
from django.db import transaction

from apps.gateways.errors import GatewayError
from apps.gateways.kubernetes import Kubernetes
from apps.live.rows import Change, Row
from apps.pools.handover import history, records, settling, switching
from apps.pools.handover.words import is_stamp
from apps.pools.live_view import PodFacts, facts_of, read_pod
from apps.pools.models import Holding, Intent, PoolRecord
from apps.pools.statuses import IntentState

logger = structlog.get_logger(__name__)
ATTEMPTS = 5
Place = tuple[str, str]


def facts_of_row(row: Row) -> PodFacts:
    """A mirrored pod in the rules' terms."""
    return facts_of(name=row.name, namespace=row.namespace, uid=row.uid, own=row.labels, data=row.data)


def observe(kubernetes: Kubernetes, cluster_id: int, changes: Iterable[Change]) -> None:
    """Bring the history in line with changed pods of pools."""
    alive: dict[Place, list[PodFacts]] = defaultdict(list)
    ended: dict[Place, list[str]] = defaultdict(list)
    for change in changes:
        if change.old and (gone := facts_of_row(change.old)).pool and replaced(change):
            ended[gone.namespace, gone.pool].append(gone.uid)
        if change.new and (pod := facts_of_row(change.new)).pool:
            place = (pod.namespace, pod.pool)
            alive[place].append(pod) if pod.alive else ended[place].append(pod.uid)
    for place in alive.keys() | ended.keys():
        record = records.record_of(cluster_id, *place)
        finish(record, ended[place])
        catch_up(kubernetes, record, alive[place])


def replaced(change: Change) -> bool:
    """Whether the old row's pod is gone, or no longer one of the same pool."""
    if change.old is None or change.new is None:
        return True
    old, new = facts_of_row(change.old), facts_of_row(change.new)
    return (old.uid, old.pool) != (new.uid, new.pool)


def finish(record: PoolRecord, uids: list[str]) -> None:
    """Close the intervals of pods that ended."""
    if uids and Holding.objects.filter(pool=record, pod_uid__in=uids, to_at=None).exists():
        with transaction.atomic():
            history.end(records.lock(record.pk), uids)


def catch_up(kubernetes: Kubernetes, record: PoolRecord, pods: list[PodFacts]) -> None:
    """Open the first interval of new pods; look closer at those whose business does not fit the history."""
    uids = [pod.uid for pod in pods]
    held = dict(
        Holding.objects.filter(pool=record, pod_uid__in=uids, to_at=None).values_list("pod_uid", "business")
    )
    known = set(Holding.objects.filter(pool=record, pod_uid__in=uids).values_list("pod_uid", flat=True))
    begin([pod for pod in pods if pod.uid not in known], record)
    for pod in pods:
        if pod.uid in known and held.get(pod.uid) != pod.business:
            examine(kubernetes, record, pod.name)
    settle_seen(kubernetes, record, pods)


def begin(pods: list[PodFacts], record: PoolRecord) -> None:
    """First intervals, unless somebody else wrote them meanwhile."""
    if not pods:
        return
    with transaction.atomic():
        locked = records.lock(record.pk)
        for pod in pods:
            if not Holding.objects.filter(pool=locked, pod_uid=pod.uid).exists():
                history.begin(locked, pod)


def settle_seen(kubernetes: Kubernetes, record: PoolRecord, pods: list[PodFacts]) -> None:
    """Settle the open intents whose stamp has arrived: their action may have died."""
    stamps: list[str] = [pod.stamp for pod in pods if is_stamp(pod.stamp)]
    for intent in Intent.objects.filter(pool=record, pk__in=stamps, state=IntentState.OPEN):
        switching.follow(settling.settle(intent.pk, kubernetes))


def examine(kubernetes: Kubernetes, record: PoolRecord, name: str) -> None:
    """Read a pod and write down what is not explained yet; nothing when the mirror was merely late."""
    for _attempt in range(ATTEMPTS):
        seen = PoolRecord.objects.values_list("moves", flat=True).get(pk=record.pk)
        pod = read_pod(kubernetes, namespace=record.namespace, name=name)
        if pod is None or pod.pool != record.name:
            return
        intent = settling.of_stamp(pod.stamp)
        if intent and unwritten(intent, pod):
            settling.close(intent, settling.Outcome(IntentState.DONE), pod)
            continue
        with transaction.atomic():
            locked = records.lock(record.pk)
            if locked.moves == seen:
                note_external(locked, pod)
                return


def unwritten(intent: Intent, pod: PodFacts) -> bool:
    """Whether the pod proves a change that is not in the history yet."""
    return intent.state != IntentState.DONE and intent.pod_uid == pod.uid


def note_external(record: PoolRecord, pod: PodFacts) -> None:
    """Write an external change if the history says something else than the pod."""
    holding = history.current(record, pod.uid)
    if not pod.alive:
        history.end(record, [pod.uid])
    elif holding is None:
        history.begin(record, pod)
    elif holding.business != pod.business:
        history.external(record, pod)


def pods_changed(kubernetes: Kubernetes, cluster_id: int, changes: list[Change]) -> None:
    """The watcher's hook: a cluster that does not answer now is looked at again by the sweep."""
    try:
        observe(kubernetes, cluster_id, changes)
    except GatewayError as error:
        logger.info("observe_failed", cluster=cluster_id, error=error.message)
