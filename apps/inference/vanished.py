"""Records of deployments that others removed from the cluster: names are free again, their history stays.

The watcher's news forgets at once, a sweep what the news missed. Work that is under way on a deployment
decides for itself, so that late news of an earlier namesake never concerns it.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from apps.clusters.models import Cluster
from apps.inference.models import ModelDeployment
from apps.live import mirror
from apps.live.rows import Change
from apps.operations.models import Operation
from apps.operations.statuses import ACTIVE

KIND = "deployments"
SETTLED = timedelta(seconds=60)
"""How long after its last work a deployment that is in no mirror counts as gone: news may be that late."""


def deployments_changed(cluster_id: int, changes: Iterable[Change]) -> None:
    """Mirrored Deployments changed: forget the records of those that are gone."""
    gone = {change.row.key for change in changes if change.new is None}
    if gone:
        known = (
            _kept(cluster_id).exclude(_work(status__in=ACTIVE)).filter(name__in=[name for _, name in gone])
        )
        _forget(record.pk for record in known if (record.namespace, record.name) in gone)


def sweep() -> None:
    """Forget what is in no mirror, wherever the mirror is known to be current."""
    for cluster in Cluster.objects.filter(active=True):
        if not mirror.sync_state(cluster.pk, KIND).stale:
            _forget(missing(cluster.pk).values_list("pk", flat=True))


def missing(cluster_id: int) -> QuerySet[ModelDeployment]:
    """Records without a Deployment, made a while ago, and without work now or a moment ago."""
    place = {"namespace": OuterRef("namespace"), "name": OuterRef("name")}
    mirrored = Exists(mirror.objects(cluster_id, KIND).filter(**place))
    settled = Now() - SETTLED
    old = _kept(cluster_id).filter(created_at__lt=settled)
    return old.exclude(mirrored).exclude(_work(status__in=ACTIVE)).exclude(_work(ended_at__gte=settled))


def _kept(cluster_id: int) -> QuerySet[ModelDeployment]:
    return ModelDeployment.objects.filter(cluster_id=cluster_id, removed_at=None)


def _work(**state: object) -> Exists:
    """Whether there is work in this state on the record's deployment."""
    return Exists(
        Operation.objects.filter(
            target_cluster=OuterRef("cluster__slug"),
            target_namespace=OuterRef("namespace"),
            target_name=OuterRef("name"),
            **state,
        )
    )


def _forget(keys: Iterable[int]) -> None:
    ModelDeployment.objects.filter(pk__in=list(keys), removed_at=None).update(removed_at=timezone.now())
