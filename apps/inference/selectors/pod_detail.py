"""One pod: from the mirror at once, and what the cluster says of its containers and conditions."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.clusters import selectors as clusters
from apps.inference.selectors import from_cluster
from apps.inference.selectors.pods import PodRow, described
from apps.inference.targets import PodTarget
from apps.live import mirror
from apps.live.stored import rows


@dataclass(frozen=True)
class ContainerRow:
    """A container as it runs now. `state` and `last` are in kubectl's words; times are ISO texts."""

    name: str
    image: str
    state: str
    reason: str
    message: str
    since: str
    ready: bool
    restarts: int
    last: str
    last_at: str
    ports: str
    asks: dict[str, str]
    is_init: bool = False


def pod_row(cluster_id: int, namespace: str, name: str) -> PodRow | None:
    """One pod of the mirror."""
    found = rows(mirror.objects(cluster_id, "pods").filter(namespace=namespace, name=name))
    return described(found[0]) if found else None


def target(user: User, slug: str, namespace: str, name: str) -> PodTarget:
    """The pod to act on. Raises Http404 when the mirror does not know it."""
    cluster = clusters.cluster(user, slug)
    row = pod_row(cluster.pk, namespace, name)
    if row is None:
        raise Http404(
            _("There is no pod “%(name)s” in %(place)s.") % {"name": name[:80], "place": namespace[:80]}
        )
    return PodTarget(
        cluster_id=cluster.pk,
        cluster=cluster.slug,
        namespace=namespace,
        name=name,
        uid=row.uid,
        pool=row.pool,
        business=row.business if row.pool else "",
    )


def containers(manifest: dict[str, Any]) -> list[ContainerRow]:
    """The pod's containers, those that run first included."""
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    said = {item["name"]: item for item in status.get("initContainerStatuses") or ()}
    said |= {item["name"]: item for item in status.get("containerStatuses") or ()}
    first = {item["name"] for item in spec.get("initContainers") or ()}
    return [
        container_row(item, said.get(item["name"], {}), is_init=item["name"] in first)
        for item in from_cluster.containers_of(manifest)
    ]


def container_row(item: dict[str, Any], said: dict[str, Any], *, is_init: bool) -> ContainerRow:
    """What is wanted of a container, and what the kubelet says of it."""
    state, detail = only(said.get("state") or {"waiting": {}})
    last, ended = only(said.get("lastState") or {"": {}})
    return ContainerRow(
        name=item["name"],
        image=item.get("image", ""),
        state=state,
        reason=detail.get("reason", ""),
        message=detail.get("message", ""),
        since=detail.get("startedAt") or detail.get("finishedAt") or "",
        ready=bool(said.get("ready")),
        restarts=said.get("restartCount", 0),
        last=f"{ended.get('reason', last)} ({ended.get('exitCode', '?')})" if last else "",
        last_at=ended.get("finishedAt", ""),
        ports=", ".join(str(port["containerPort"]) for port in item.get("ports") or ()),
        asks=(item.get("resources") or {}).get("requests") or {},
        is_init=is_init,
    )


def only(state: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The one state that is set, and what it says."""
    name, detail = next(iter(state.items()), ("", {}))
    return name, detail or {}


def conditions(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The pod's conditions as the cluster says them."""
    return list((manifest.get("status") or {}).get("conditions") or ())
