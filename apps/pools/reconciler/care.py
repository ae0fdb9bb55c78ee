"""Which pools the reconciler cares for, whatever it is that changes of their pods; read from the mirror."""

from django.db.models import Count, Q
from django.db.models.fields.json import KeyTextTransform

from apps.clusters.kinds.pods import TERMINAL
from apps.gateways import labels
from apps.live import mirror
from apps.pools import selectors
from apps.pools.models import Rollout, SharePolicy

Place = tuple[str, str]


def in_care(cluster_id: int, places: set[Place]) -> set[Place]:
    """Those of the pools that have shares switched on, a rollout under way, pods of two versions, or the
    strategy Recreate, whose versions are never there together.
    """
    if not places:
        return set()
    return places & (steered(cluster_id) | mixed(cluster_id, places) | recreating(cluster_id, places))


def steered(cluster_id: int) -> set[Place]:
    """Pools with shares switched on or a rollout under way."""
    own = Q(pool__cluster_id=cluster_id)
    switched = SharePolicy.objects.filter(own, enabled=True, paused=False)
    rolling = Rollout.objects.filter(own, ended_at=None)
    rows = [*switched.values_list("pool__namespace", "pool__name")]
    rows += rolling.values_list("pool__namespace", "pool__name")
    return {(str(namespace), str(name)) for namespace, name in rows}


def mixed(cluster_id: int, places: set[Place]) -> set[Place]:
    """Pools of which the mirror has running pods of more than one version."""
    names = {name for _namespace, name in places}
    pods = mirror.objects(cluster_id, "pods").filter(
        labels__contains=selectors.IS_POOL, labels__model__in=list(names), data__deleting=""
    )
    running = pods.exclude(data__owner_uid="").exclude(data__phase__in=TERMINAL).order_by()
    pool, owner = KeyTextTransform(labels.MODEL, "labels"), KeyTextTransform("owner_uid", "data")
    found = running.annotate(pool=pool, owner=owner).values("namespace", "pool")
    several = found.annotate(versions=Count("owner", distinct=True)).filter(versions__gt=1)
    return set(several.values_list("namespace", "pool"))


def recreating(cluster_id: int, places: set[Place]) -> set[Place]:
    """Pools whose Deployment ends all pods before it makes those of a new version."""
    names = {name for _namespace, name in places}
    found = mirror.objects(cluster_id, "deployments").filter(name__in=names, data__strategy="Recreate")
    return set(found.values_list("namespace", "name"))
