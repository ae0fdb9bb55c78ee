"""Changes of the registry, each permitted, audited and atomic."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.audit.actions import action, note
from apps.clusters.models import Cluster
from apps.clusters.permissions import CHANGE
from apps.gateways.connection import Connection
from apps.live import mirror, topics
from apps.live.publish import publish


class StillWatched(Exception):
    """A cluster that is followed cannot be removed: what is written meanwhile would be lost or left over."""

    problem_status = 409

    def __init__(self, row: Cluster) -> None:
        super().__init__(_("Switch off “watched” for %(name)s first, then remove it.") % {"name": row})


def described(row: Cluster) -> dict[str, Any]:
    """A cluster for the audit: everything but credentials."""
    return {
        "slug": row.slug,
        "name": row.name,
        "server": row.server,
        "region": row.region,
        "default_namespace": row.default_namespace,
        "active": row.active,
    }


@action(
    "clusters.register", permission=CHANGE, target="cluster", label=_lazy("Register cluster"), atomic=True
)
def register_cluster(*, cluster: Cluster, connection: Connection) -> Cluster:
    """Add a cluster, or give a known one a new address and identity."""
    before = described(Cluster.objects.get(pk=cluster.pk)) if cluster.pk else {}
    cluster.server = connection.server
    cluster.ca_data = connection.ca_data
    cluster.token = connection.token
    cluster.client_certificate_data = connection.client_certificate_data
    cluster.client_key_data = connection.client_key_data
    cluster.save()
    note(before=before, after=described(cluster) | {"credentials": "set"})
    publish(topics.clusters())
    return cluster


@action("clusters.change", permission=CHANGE, target="cluster", label=_lazy("Change cluster"), atomic=True)
def change_cluster(*, cluster: Cluster) -> Cluster:
    """Save a changed name, region, namespace or whether it is watched."""
    before = described(Cluster.objects.get(pk=cluster.pk))
    cluster.save()
    note(before=before, after=described(cluster))
    publish(topics.clusters())
    return cluster


@action("clusters.remove", permission=CHANGE, target="cluster", label=_lazy("Remove cluster"), atomic=True)
def remove_cluster(*, cluster: Cluster) -> None:
    """Forget a cluster: the portal's row, mirror and history of it go; the cluster itself is not touched.

    Raises StillWatched for an active one.
    """
    note(before=described(cluster))
    if cluster.active:
        raise StillWatched(cluster)
    mirror.forget(cluster.pk)
    cluster.delete()
    publish(topics.clusters())
