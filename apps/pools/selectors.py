"""Pools as pages and API show them: from the mirror and our own records, never from the cluster."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.clusters import selectors as clusters
from apps.gateways import labels
from apps.live import mirror
from apps.live.rows import Row
from apps.live.stored import rows
from apps.pools.handover.observing import facts_of_row
from apps.pools.live_view import PodFacts
from apps.pools.models import Intent, PoolRecord
from apps.pools.status import PoolStatus, status_of
from apps.pools.targets import PoolTarget

IS_POOL = {labels.DEPLOYMENT_TYPE: labels.MODEL_POOL}
IS_SERVICE = {labels.SERVICE_TYPE: labels.BUSINESS_SERVICE}
Key = tuple[str, str]
AT_START = timedelta(seconds=5)
"""A condition that is not older than a pod by more than this was given at its start."""


@dataclass(frozen=True)
class ServiceRow:
    """A business service of the mirror. `ready` counts the addresses that its endpoints list as ready."""

    name: str
    namespace: str
    pool: str
    business: str
    type: str
    cluster_ip: str
    address: str
    port: int
    ready: int


@dataclass(frozen=True)
class PodRow:
    """A pod of a pool. `live`: the pool's current version runs it, so it can be lent; `version` of the
    mirror; `warming`: it has never been Ready yet.
    """

    id: int
    version: int
    facts: PodFacts
    live: bool
    created_at: datetime | None
    warming: bool = False

    @property
    def name(self) -> str:
        """The pod's name."""
        return self.facts.name

    @property
    def draining(self) -> bool:
        """Whether it is between two businesses."""
        return labels.is_reserved(self.facts.business) and self.facts.business != labels.UNASSIGNED


@dataclass(frozen=True)
class PoolRow:
    """A pool with its pods, services and status."""

    cluster_id: int
    namespace: str
    name: str
    uid: str
    model_id: str
    replicas: int
    settled: bool
    gpus: int
    pods: tuple[PodRow, ...]
    services: tuple[ServiceRow, ...]
    status: PoolStatus

    @property
    def businesses(self) -> list[str]:
        """The tags that a pod of this pool can be lent to."""
        return sorted({service.business for service in self.services})

    @property
    def options(self) -> list[str]:
        """Where a pod of this pool may go: the free stock and the businesses."""
        return [labels.UNASSIGNED, *self.businesses]

    @property
    def ready(self) -> int:
        """Live pods that are Ready."""
        return sum(pod.live and pod.facts.ready for pod in self.pods)


def pools(cluster_id: int, *, namespace: str = "", name: str = "") -> list[PoolRow]:
    """The cluster's pools by namespace and name, in a fixed number of queries."""
    wanted = mirror.objects(cluster_id, "deployments").filter(labels__contains=IS_POOL)
    wanted = wanted.filter(namespace=namespace) if namespace else wanted
    found = rows(wanted.filter(name=name) if name else wanted)
    owners = current_owners(cluster_id, [row.uid for row in found])
    names = [row.name for row in found]
    pods = pods_by_pool(cluster_id, names)
    services = services_by_pool(cluster_id, names)
    return [pool_row(cluster_id, row, owners, pods[row.key], services[row.key]) for row in found]


def pool(cluster_id: int, namespace: str, name: str) -> PoolRow | None:
    """One pool of the mirror."""
    return next(iter(pools(cluster_id, namespace=namespace, name=name)), None)


def pool_row(
    cluster_id: int, row: Row, owners: Mapping[str, str], pods: list[Row], services: list[ServiceRow]
) -> PoolRow:
    """A mirrored Deployment with what belongs to it."""
    data = row.data
    own = tuple(pod_row(pod, owners.get(row.uid, "")) for pod in pods)
    tags = [service.business for service in services]
    return PoolRow(
        cluster_id=cluster_id,
        namespace=row.namespace,
        name=row.name,
        uid=row.uid,
        model_id=data["model_id"],
        replicas=data["replicas"],
        settled=data["observed"] >= data["generation"],
        gpus=data["gpus"],
        pods=own,
        services=tuple(services),
        status=status_of([pod.facts.business for pod in own if pod.live], tags),
    )


def pod_row(row: Row, owner_uid: str) -> PodRow:
    """A mirrored pod of a pool whose current ReplicaSet is known."""
    facts = facts_of_row(row)
    live = facts.alive and facts.owner_uid == owner_uid
    return PodRow(
        id=row.id,
        version=row.version,
        facts=facts,
        live=live,
        created_at=row.created_at,
        warming=not facts.ready and warming(row.data["started"], facts.ready_changed),
    )


def warming(started: str, changed: str) -> bool:
    """Whether an unready pod was never Ready: the kubelet gave its condition when it started the pod."""
    if not (started and changed):
        return True
    return datetime.fromisoformat(changed) - datetime.fromisoformat(started) < AT_START


def current_owners(cluster_id: int, deployments: Iterable[str]) -> dict[str, str]:
    """Deployment uid -> uid of its newest ReplicaSet."""
    newest: dict[str, tuple[int, str]] = {}
    sets = mirror.objects(cluster_id, "replicasets").filter(data__owner_uid__in=list(deployments))
    for uid, data in sets.values_list("uid", "data"):
        owner, revision = data["owner_uid"], int(data["revision"] or 0)
        newest[owner] = max(newest.get(owner, (-1, "")), (revision, uid))
    return {owner: uid for owner, (_revision, uid) in newest.items()}


def pods_by_pool(cluster_id: int, names: list[str]) -> defaultdict[Key, list[Row]]:
    """(namespace, pool) -> its mirrored pods, live or not."""
    found: defaultdict[Key, list[Row]] = defaultdict(list)
    pods = mirror.objects(cluster_id, "pods").filter(labels__contains=IS_POOL)
    if len(names) == 1:
        pods = pods.filter(labels__contains={labels.MODEL: names[0]})
    for row in rows(pods):
        found[row.namespace, row.labels.get(labels.MODEL, "")].append(row)
    return found


def services_by_pool(cluster_id: int, names: list[str]) -> defaultdict[Key, list[ServiceRow]]:
    """(namespace, pool) -> its business services, by tag and name."""
    found: defaultdict[Key, list[ServiceRow]] = defaultdict(list)
    for service in business_services(cluster_id):
        if service.pool in names:
            found[service.namespace, service.pool].append(service)
    return found


def business_services(cluster_id: int) -> list[ServiceRow]:
    """Every business service that the cluster has, by tag and name; nothing is hard-coded."""
    objects = mirror.objects(cluster_id, "services").filter(labels__contains=IS_SERVICE)
    found = rows(objects.filter(data__deleting=False))
    ready = ready_addresses(cluster_id, {row.namespace for row in found})
    services = [service_row(row, ready) for row in found]
    usable = [item for item in services if item.pool and item.business]
    return sorted(usable, key=lambda item: (item.namespace, item.business, item.name))


def service_row(row: Row, ready: Mapping[Key, int]) -> ServiceRow:
    """A mirrored Service as our value."""
    data = row.data
    chosen = data["selector"]
    return ServiceRow(
        name=row.name,
        namespace=row.namespace,
        pool=chosen.get(labels.MODEL, ""),
        business=chosen.get(labels.BUSINESS, ""),
        type=data["type"],
        cluster_ip=data["cluster_ip"],
        address=data["address"],
        port=data["ports"][0]["port"] if data["ports"] else 0,
        ready=ready.get((row.namespace, row.name), 0),
    )


def ready_addresses(cluster_id: int, namespaces: Iterable[str]) -> dict[Key, int]:
    """(namespace, service) -> how many addresses its slices list as ready."""
    counts: defaultdict[Key, int] = defaultdict(int)
    slices = mirror.objects(cluster_id, "endpointslices").filter(namespace__in=list(namespaces))
    for namespace, data in slices.values_list("namespace", "data"):
        counts[namespace, data["service"]] += sum(entry["ready"] for entry in data["endpoints"])
    return counts


def pool_target(user: User, slug: str, namespace: str, name: str) -> PoolTarget:
    """The pool to act on. Raises Http404 when the person may not see the cluster, or the mirror has no such
    pool.
    """
    cluster = clusters.cluster(user, slug)
    if not is_pool(cluster.pk, namespace, name):
        raise Http404(
            _("There is no pool “%(name)s” in %(place)s.") % {"name": name[:80], "place": namespace[:80]}
        )
    return PoolTarget(cluster_id=cluster.pk, cluster=cluster.slug, namespace=namespace, name=name)


def is_pool(cluster_id: int, namespace: str, name: str) -> bool:
    """Whether the mirror has such a pool."""
    named = mirror.objects(cluster_id, "deployments").filter(namespace=namespace, name=name)
    return named.filter(labels__contains=IS_POOL).exists()


def last_intents(record: PoolRecord, uids: Iterable[str]) -> dict[str, Intent]:
    """Pod uid -> its newest intent, whatever became of it."""
    newest = Intent.objects.filter(pool=record, pod_uid__in=list(uids)).order_by("pod_uid", "-serial")
    return {intent.pod_uid: intent for intent in newest.distinct("pod_uid")}


def record(cluster_id: int, namespace: str, name: str) -> PoolRecord | None:
    """The pool's row, if anything was ever decided or seen."""
    return PoolRecord.objects.filter(cluster_id=cluster_id, namespace=namespace, name=name).first()


def as_json(status: PoolStatus) -> dict[str, Any]:
    """The earlier panel's answer shape."""
    return {
        "totalPods": status.total,
        "podDistribution": dict(status.distribution),
        "availableForScaleDown": status.free,
    }
