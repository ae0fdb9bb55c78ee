"""A pool as the cluster has it at this moment: read by rules that are about to change something.

Pages read the mirror instead (`selectors.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson
from django.utils.translation import gettext as _

from apps.clusters.kinds.pods import TERMINAL, Pod, project_pod
from apps.gateways import labels
from apps.gateways.decode import decode_list
from apps.gateways.errors import NotFound
from apps.gateways.kubernetes import Kubernetes
from apps.pools.refusals import UnknownPool

POD = msgspec.json.Decoder(Pod)


@dataclass(frozen=True)
class PodFacts:
    """One pod at one moment, with what the rules ask. `version` is its resourceVersion, which orders the
    moments of one pod. `stamp` is its intent annotation, None when it has no such annotation.
    `ready_changed`: when it last became Ready or ceased to be, as ISO text. `cost`: its deletion cost, "" for
    none.
    """

    name: str
    namespace: str
    uid: str
    business: str
    stamp: str | None
    annotated: bool
    phase: str
    state: str
    ready: bool
    deleting: bool
    owner_uid: str
    node: str
    port: int
    gpus: int
    labels: Mapping[str, str]
    writer: str
    written_at: str
    version: int
    ready_changed: str = ""
    cost: str = ""

    @property
    def alive(self) -> bool:
        """Owned by a ReplicaSet, neither ended nor on its way out: its interval in the history is open."""
        return bool(self.owner_uid) and not self.deleting and self.phase not in TERMINAL

    @property
    def pool(self) -> str:
        """The pool that its labels name; empty for pods of no pool."""
        return pool_of(self.labels)


@dataclass(frozen=True)
class PoolView:
    """A pool at one moment. `owner_uid` is its current ReplicaSet's; `businesses` maps a tag to its
    services.
    """

    name: str
    namespace: str
    owner_uid: str
    pods: tuple[PodFacts, ...]
    businesses: Mapping[str, tuple[str, ...]]
    draining_nodes: frozenset[str] = field(default_factory=frozenset)

    def pod(self, name: str) -> PodFacts | None:
        """The pod of that name, if the pool has it."""
        return next((pod for pod in self.pods if pod.name == name), None)

    def live(self, pod: PodFacts) -> bool:
        """Whether the pool's current ReplicaSet owns it and it neither ended nor is going."""
        return pod.alive and pod.owner_uid == self.owner_uid

    def serving(self, business: str) -> list[PodFacts]:
        """Live and Ready pods of a business."""
        return [pod for pod in self.pods if pod.business == business and pod.ready and self.live(pod)]


def look(
    kubernetes: Kubernetes, *, namespace: str, name: str, node_of: str = "", every_node: bool = False
) -> PoolView:
    """Read a pool; with `node_of`, also whether that pod's node takes new work, with `every_node` the same
    of each pod's. Raises UnknownPool, GatewayError.
    """
    try:
        deployment = kubernetes.get("deployments", name, namespace=namespace)
    except NotFound as error:
        raise UnknownPool(error.message) from error
    own = deployment["metadata"].get("labels") or {}
    if own.get(labels.DEPLOYMENT_TYPE) != labels.MODEL_POOL:
        raise UnknownPool(_("%(name)s is not a Model Pool.") % {"name": name})
    pods = pods_of(kubernetes, namespace=namespace, pool=name)
    asked = {pod.node for pod in pods if pod.node and (every_node or pod.name == node_of)}
    return PoolView(
        name=name,
        namespace=namespace,
        owner_uid=current_owner(kubernetes, deployment),
        pods=tuple(pods),
        businesses=businesses_of(kubernetes, namespace=namespace, pool=name),
        draining_nodes=closed_nodes(kubernetes, asked),
    )


def pods_of(kubernetes: Kubernetes, *, namespace: str, pool: str) -> list[PodFacts]:
    """All pods that carry the pool's labels, live or not."""
    return [facts_of_pod(pod) for pod in decoded_pods(kubernetes, namespace=namespace, pool=pool)]


def decoded_pods(kubernetes: Kubernetes, *, namespace: str, pool: str) -> list[Pod]:
    """The same as the cluster tells them, with the fields that the mirror reads."""
    selector = labels.selector({labels.MODEL: pool, labels.DEPLOYMENT_TYPE: labels.MODEL_POOL})
    pages = kubernetes.pages("pods", namespace=namespace, label_selector=selector)
    return [pod for page in pages for pod in decode_list(page, Pod).items or ()]


def read_pod(kubernetes: Kubernetes, *, namespace: str, name: str) -> PodFacts | None:
    """One pod as it is now; None when there is none of that name."""
    try:
        return facts(kubernetes.get("pods", name, namespace=namespace))
    except NotFound:
        return None


def pool_of(own: Mapping[str, str]) -> str:
    """The pool that a pod's labels name; empty for pods of no pool."""
    return own.get(labels.MODEL, "") if own.get(labels.DEPLOYMENT_TYPE) == labels.MODEL_POOL else ""


def facts(raw: Mapping[str, Any]) -> PodFacts:
    """What the rules ask of a pod, from the API's object; the same projection that the mirror keeps."""
    return facts_of_pod(POD.decode(orjson.dumps(raw)))


def facts_of_pod(pod: Pod) -> PodFacts:
    """The same from a decoded pod."""
    return facts_of(
        name=pod.metadata.name,
        namespace=pod.metadata.namespace,
        uid=pod.metadata.uid,
        own=pod.metadata.labels or {},
        version=int(pod.metadata.resourceVersion),
        data=project_pod(pod),
    )


def facts_of(
    *, name: str, namespace: str, uid: str, own: Mapping[str, str], version: int, data: Mapping[str, Any]
) -> PodFacts:
    """The same from a mirrored row's parts."""
    return PodFacts(
        name=name,
        namespace=namespace,
        uid=uid,
        business=data["business"],
        stamp=data["intent"],
        annotated=data["annotated"],
        phase=data["phase"],
        state=data["state"],
        ready=data["ready"],
        deleting=bool(data["deleting"]),
        owner_uid=data["owner_uid"] if data["owner_kind"] == "ReplicaSet" else "",
        node=data["node"],
        port=data["port"],
        gpus=data["gpus"],
        labels=own,
        writer=data["business_writer"]["manager"],
        written_at=data["business_writer"]["at"],
        version=version,
        ready_changed=data.get("ready_changed", ""),
        cost=data.get("deletion_cost", ""),
    )


def current_owner(kubernetes: Kubernetes, deployment: Mapping[str, Any]) -> str:
    """The uid of the Deployment's newest ReplicaSet; empty when it has none yet."""
    meta = deployment["metadata"]
    selector = labels.selector(deployment["spec"]["selector"].get("matchLabels") or {})
    sets = kubernetes.list("replicasets", namespace=meta["namespace"], label_selector=selector)
    own = [item for item in sets if controls(meta["uid"], item)]
    newest = max(own, key=revision, default=None)
    return str(newest["metadata"]["uid"]) if newest else ""


def controls(uid: str, item: Mapping[str, Any]) -> bool:
    """Whether the object of that uid is the item's controller."""
    owners = item["metadata"].get("ownerReferences") or []
    return any(owner.get("uid") == uid and owner.get("controller") for owner in owners)


def revision(item: Mapping[str, Any]) -> int:
    """A ReplicaSet's revision number; 0 before the controller has written it."""
    text = (item["metadata"].get("annotations") or {}).get(labels.REVISION, "0")
    return int(text) if text.isdigit() else 0


def businesses_of(kubernetes: Kubernetes, *, namespace: str, pool: str) -> dict[str, tuple[str, ...]]:
    """The pool's business services by tag."""
    selector = labels.selector({labels.SERVICE_TYPE: labels.BUSINESS_SERVICE})
    found: dict[str, tuple[str, ...]] = {}
    for service in kubernetes.list("services", namespace=namespace, label_selector=selector):
        chosen = service["spec"].get("selector") or {}
        tag = chosen.get(labels.BUSINESS, "")
        going = service["metadata"].get("deletionTimestamp")
        if chosen.get(labels.MODEL) == pool and tag and not labels.is_reserved(tag) and not going:
            found[tag] = (*found.get(tag, ()), service["metadata"]["name"])
    return found


def closed_nodes(kubernetes: Kubernetes, names: set[str]) -> frozenset[str]:
    """Those of the nodes that take no new pods, or are gone. One is asked by name, several by the list."""
    if len(names) < 2:
        return frozenset(name for name in names if closed(kubernetes, name))
    known = {node["metadata"]["name"]: node for node in kubernetes.list("nodes")}
    return frozenset(name for name in names if name not in known or known[name]["spec"].get("unschedulable"))


def closed(kubernetes: Kubernetes, name: str) -> bool:
    """Whether a node takes no new pods, or is gone."""
    try:
        return bool(kubernetes.get("nodes", name)["spec"].get("unschedulable"))
    except NotFound:
        return True
