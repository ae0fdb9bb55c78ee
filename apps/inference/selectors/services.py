"""Services: what they select, how many pods answer behind them, where they are reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.clusters import selectors as clusters
from apps.gateways import labels
from apps.inference.targets import ServiceTarget
from apps.live import mirror, paging
from apps.live.paging import Page
from apps.live.rows import Row
from apps.live.stored import rows

SORTS: dict[str, str | None] = {"name": None, "namespace": None, "created_at": None, "type": "type"}
EXTERNAL_NAME = "ExternalName"


@dataclass(frozen=True)
class ServiceRow:
    """A mirrored Service; `ready` counts the ready addresses of its EndpointSlices."""

    id: int
    version: int
    namespace: str
    name: str
    type: str
    selector: dict[str, str]
    ports: list[dict[str, Any]]
    cluster_ip: str
    address: str
    labels: dict[str, str]
    created_at: datetime | None
    deleting: bool
    ready: int = 0
    endpoints: int = 0

    @property
    def key(self) -> tuple[int, int, int]:
        """Differs whenever the row looks different."""
        return self.version, self.ready, self.endpoints

    @property
    def port(self) -> int:
        """The port named `http`, else the first, 0 for none."""
        named = [item["port"] for item in self.ports if item["name"] == labels.PORT_NAME]
        return int((named or [item["port"] for item in self.ports] or [0])[0])

    @property
    def has_load_balancer(self) -> bool:
        """Whether it is reached from outside the cluster's network."""
        return self.type == "LoadBalancer"

    @property
    def callable(self) -> bool:
        """Whether the portal may call it: it selects pods, and leads nowhere else."""
        return bool(self.selector) and self.type != EXTERNAL_NAME and self.port > 0

    def selects(self, namespace: str, own: Mapping[str, str]) -> bool:
        """Whether pods with these labels are behind it."""
        return (
            self.namespace == namespace
            and bool(self.selector)
            and all(own.get(key) == value for key, value in self.selector.items())
        )


@dataclass(frozen=True)
class AddressRow:
    """One address behind a Service. `state` is ready, serving, terminating or waiting."""

    pod: str
    ip: str
    state: str

    @property
    def label(self) -> str:
        """The state in words."""
        words = {
            "ready": _("Ready"),
            "serving": _("Serving, not ready"),
            "terminating": _("Leaving"),
            "waiting": _("Not ready"),
        }
        return words[self.state]

    @property
    def colour(self) -> str:
        """A Tabler colour name."""
        return {"ready": "green", "terminating": "secondary"}.get(self.state, "orange")


@dataclass
class Counts:
    """Addresses of one Service over its slices, each pod once."""

    ready: set[str] = field(default_factory=set)
    every: set[str] = field(default_factory=set)


def service_page(cluster_id: int, *, q: str = "", sort: str = "", page: int = 1) -> Page[ServiceRow]:
    """One page of the cluster's services."""
    objects = paging.matching(mirror.objects(cluster_id, "services"), q, "data__type", "data__address")
    found, number, total = paging.cut(paging.ordered(objects, sort, SORTS), page)
    return Page(counted(cluster_id, rows(found)), number, total, {"q": q, "sort": sort})


def service_row(cluster_id: int, namespace: str, name: str) -> ServiceRow | None:
    """One service of the mirror, with the addresses behind it."""
    found = rows(mirror.objects(cluster_id, "services").filter(namespace=namespace, name=name))
    return counted(cluster_id, found)[0] if found else None


def addresses(cluster_id: int, namespace: str, name: str) -> list[AddressRow]:
    """The addresses of one service, each pod once, by pod."""
    slices = mirror.objects(cluster_id, "endpointslices").filter(namespace=namespace, data__service=name)
    found = {
        endpoint["uid"] or endpoint["ip"]: AddressRow(endpoint["pod"], endpoint["ip"], state_of(endpoint))
        for data in slices.values_list("data", flat=True)
        for endpoint in data["endpoints"]
    }
    return sorted(found.values(), key=lambda row: (row.pod, row.ip))


def state_of(endpoint: Mapping[str, Any]) -> str:
    """How an address takes part, in one word."""
    if endpoint["terminating"]:
        return "terminating"
    return "ready" if endpoint["ready"] else "serving" if endpoint["serving"] else "waiting"


def target(user: User, slug: str, namespace: str, name: str) -> ServiceTarget:
    """The Service to act on. Raises Http404 when the mirror does not know it."""
    cluster = clusters.cluster(user, slug)
    found = rows(mirror.objects(cluster.pk, "services").filter(namespace=namespace, name=name))
    if not found:
        raise Http404(
            _("There is no service “%(name)s” in %(place)s.") % {"name": name[:80], "place": namespace[:80]}
        )
    return ServiceTarget(cluster.pk, cluster.slug, namespace, name, found[0].uid, found[0].labels)


def services(cluster_id: int, *, namespace: str = "") -> list[ServiceRow]:
    """All of the cluster, or of one namespace: for the API."""
    objects = mirror.objects(cluster_id, "services")
    return counted(cluster_id, rows(objects.filter(namespace=namespace) if namespace else objects))


def all_services(cluster_id: int, namespaces: set[str]) -> list[ServiceRow]:
    """The services of some namespaces, without counting their addresses."""
    found = mirror.objects(cluster_id, "services").filter(namespace__in=namespaces)
    return [described(row, Counts()) for row in rows(found)]


def callable_service(cluster_id: int, namespace: str, name: str) -> ServiceRow:
    """A service that the portal may call. Raises Http404 for an unknown one or one that leads elsewhere."""
    found = rows(mirror.objects(cluster_id, "services").filter(namespace=namespace, name=name))
    row = described(found[0], Counts()) if found else None
    if row is None or not row.callable:
        raise Http404(_("There is no service “%(name)s” with pods behind it.") % {"name": name[:80]})
    return row


def counted(cluster_id: int, found: list[Row]) -> list[ServiceRow]:
    """Mirrored rows with the addresses behind them."""
    counts = endpoint_counts(cluster_id, {row.namespace for row in found})
    return [described(row, counts.get(row.key, Counts())) for row in found]


def endpoint_counts(cluster_id: int, namespaces: set[str]) -> dict[tuple[str, str], Counts]:
    """Addresses by (namespace, service)."""
    found: dict[tuple[str, str], Counts] = {}
    slices = mirror.objects(cluster_id, "endpointslices").filter(namespace__in=namespaces)
    for namespace, data in slices.values_list("namespace", "data"):
        counts = found.setdefault((namespace, data["service"]), Counts())
        for endpoint in data["endpoints"]:
            place = endpoint["uid"] or endpoint["ip"]
            counts.every.add(place)
            if endpoint["ready"]:
                counts.ready.add(place)
    return found


def described(row: Row, counts: Counts) -> ServiceRow:
    """A mirrored Service as our value."""
    data = row.data
    return ServiceRow(
        id=row.id,
        version=row.version,
        namespace=row.namespace,
        name=row.name,
        type=data["type"],
        selector=data["selector"],
        ports=data["ports"],
        cluster_ip=data["cluster_ip"],
        address=data["address"],
        labels=row.labels,
        created_at=row.created_at,
        deleting=data["deleting"],
        ready=len(counts.ready),
        endpoints=len(counts.every),
    )
