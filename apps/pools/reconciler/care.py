"""Which pools are in the reconciler's care when their pods change. All of it is read from the mirror."""

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from apps.clusters.kinds.pods import TERMINAL
from apps.gateways import labels
from apps.live import mirror
from apps.pools import selectors
from apps.pools.models import Rollout, SharePolicy
from apps.pools.reconciler.deletion_costs import CHEAP

Place = tuple[str, str]


def in_care(cluster_id: int, places: set[Place]) -> set[Place]:
    """Those of the pools that have shares switched on, a rollout under way, pods of two versions, the
    strategy Recreate, whose versions are never there together, or pods whose deletion cost does not fit.
    """
    if not places:
        return set()
    looks = (told, mixed, recreating, mispriced)
    return places & {place for look in looks for place in look(cluster_id, places)}


def told(cluster_id: int, places: set[Place]) -> set[Place]:
    """Pools with shares switched on or a rollout under way."""
    own = Q(pool__cluster_id=cluster_id)
    switched = SharePolicy.objects.filter(own, enabled=True, paused=False)
    rolling = Rollout.objects.filter(own, ended_at=None)
    rows = [*switched.values_list("pool__namespace", "pool__name")]
    rows += rolling.values_list("pool__namespace", "pool__name")
    return {(str(namespace), str(name)) for namespace, name in rows}


def mixed(cluster_id: int, places: set[Place]) -> set[Place]:
    """Pools of which the mirror has running pods of more than one version."""
    owner = KeyTextTransform("owner_uid", "data")
    found = running(cluster_id, places).annotate(owner=owner).values("namespace", "pool")
    several = found.annotate(versions=Count("owner", distinct=True)).filter(versions__gt=1)
    return set(several.values_list("namespace", "pool"))


def mispriced(cluster_id: int, places: set[Place]) -> set[Place]:
    """Pools with a running pod that costs less to delete than a lent one should, or as much and is free."""
    costly, cheap = Q(cost=labels.COST_LENT), Q(hands__in=CHEAP)
    pods = running(cluster_id, places).annotate(
        hands=KeyTextTransform(labels.BUSINESS, "labels"), cost=KeyTextTransform("deletion_cost", "data")
    )
    wrong = pods.exclude(hands=None).filter((cheap & costly) | (~cheap & ~costly))
    return set(wrong.values_list("namespace", "pool").distinct())


def running(cluster_id: int, places: set[Place]) -> QuerySet[Any]:
    """Mirrored pods of pools of these names that neither ended nor are going, each with its `pool`."""
    names = {name for _namespace, name in places}
    pods = mirror.objects(cluster_id, "pods").filter(
        labels__contains=selectors.IS_POOL, labels__model__in=list(names), data__deleting=""
    )
    owned = pods.exclude(data__owner_uid="").exclude(data__phase__in=TERMINAL).order_by()
    return owned.annotate(pool=KeyTextTransform(labels.MODEL, "labels"))


def recreating(cluster_id: int, places: set[Place]) -> set[Place]:
    """Pools whose Deployment ends all pods before it makes those of a new version."""
    names = {name for _namespace, name in places}
    found = mirror.objects(cluster_id, "deployments").filter(name__in=names, data__strategy="Recreate")
    return set(found.values_list("namespace", "name"))
