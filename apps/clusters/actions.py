"""Changes of the registry, each permitted, audited and atomic."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.audit.actions import action, note
from apps.clusters.models import Cluster
from apps.clusters.permissions import CHANGE
from apps.gateways.connection import Connection
from apps.live import mirror, topics
from apps.live.publish import publish


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


@action("clusters.register", permission=CHANGE, target="cluster", label=_("Register cluster"), atomic=True)
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


@action("clusters.change", permission=CHANGE, target="cluster", label=_("Change cluster"), atomic=True)
def change_cluster(*, cluster: Cluster) -> Cluster:
    """Save a changed name, region, namespace or whether it is watched."""
    before = described(Cluster.objects.get(pk=cluster.pk))
    cluster.save()
    note(before=before, after=described(cluster))
    publish(topics.clusters())
    return cluster


@action("clusters.remove", permission=CHANGE, target="cluster", label=_("Remove cluster"), atomic=True)
def remove_cluster(*, cluster: Cluster) -> None:
    """Forget a cluster: the portal's row and mirror go, the cluster itself is not touched."""
    note(before=described(cluster))
    mirror.forget(cluster.pk)
    cluster.delete()
    publish(topics.clusters())
