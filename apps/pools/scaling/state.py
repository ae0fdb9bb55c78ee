"""A pool as scaling sees it: wish and status of the Deployment and its ReplicaSets, pods, autoscalers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from apps.clusters.kinds.metadata import iso
from apps.gateways import labels
from apps.gateways.errors import Forbidden, NotFound
from apps.gateways.kubernetes import Kubernetes
from apps.pools.live_view import PodFacts, controls, decoded_pods, facts_of_pod, revision
from apps.pools.refusals import UnknownPool


@dataclass(frozen=True)
class PoolState:
    """One moment. `born` maps a pod's uid to its creationTimestamp as ISO text, `sets` are the Deployment's
    ReplicaSets, the newest last.
    """

    deployment: Mapping[str, Any]
    sets: tuple[Mapping[str, Any], ...]
    pods: tuple[PodFacts, ...]
    born: Mapping[str, str]

    @property
    def name(self) -> str:
        """The Deployment's name, which is the pool's."""
        return str(self.deployment["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The Deployment's namespace."""
        return str(self.deployment["metadata"]["namespace"])

    @property
    def uid(self) -> str:
        """The Deployment's uid."""
        return str(self.deployment["metadata"]["uid"])

    @property
    def replicas(self) -> int:
        """The wished number of pods."""
        return int(self.deployment["spec"].get("replicas", 1))

    @property
    def seen(self) -> bool:
        """Whether the Deployment's controller has seen the newest wish."""
        return observed(self.deployment)

    @property
    def app(self) -> str:
        """The selector's value of the label `app`; "" when it selects by something else."""
        chosen = self.deployment["spec"]["selector"].get("matchLabels") or {}
        return str(chosen.get(labels.APP, ""))

    @property
    def priority_class(self) -> str:
        """The pods' PriorityClass, "" for none."""
        return str(self.deployment["spec"]["template"]["spec"].get("priorityClassName") or "")

    @property
    def mark(self) -> str:
        """The annotation of a scale-down that is under way, "" for none."""
        return str((self.deployment["metadata"].get("annotations") or {}).get(labels.SCALE, ""))

    @property
    def newest(self) -> Mapping[str, Any] | None:
        """The current ReplicaSet."""
        return self.sets[-1] if self.sets else None

    @property
    def owner_uid(self) -> str:
        """Its uid, "" for none."""
        return str(self.newest["metadata"]["uid"]) if self.newest else ""

    @property
    def template_hash(self) -> str:
        """The label by which its pods are told from those of earlier versions."""
        own = (self.newest or {}).get("metadata", {}).get("labels") or {}
        return str(own.get(labels.TEMPLATE_HASH, ""))

    @property
    def counted(self) -> int:
        """How many pods the current ReplicaSet's controller counts."""
        return int(((self.newest or {}).get("status") or {}).get("replicas", 0))

    @cached_property
    def live(self) -> tuple[PodFacts, ...]:
        """Pods that the current ReplicaSet owns and that neither ended nor are going."""
        return tuple(pod for pod in self.pods if pod.alive and pod.owner_uid == self.owner_uid)

    @property
    def free(self) -> tuple[PodFacts, ...]:
        """Live pods that nobody has."""
        return tuple(pod for pod in self.live if pod.business == labels.UNASSIGNED)

    @property
    def lent(self) -> tuple[PodFacts, ...]:
        """Live pods that a business has, or that are between two."""
        return tuple(pod for pod in self.live if pod.business not in (labels.UNASSIGNED, labels.RETIRING, ""))

    @property
    def peopled(self) -> int:
        """How many ReplicaSets of the Deployment have pods."""
        owners = {pod.owner_uid for pod in self.pods if pod.alive}
        return sum(
            item["metadata"]["uid"] in owners or bool((item.get("status") or {}).get("replicas"))
            for item in self.sets
        )


def observed(item: Mapping[str, Any]) -> bool:
    """Whether an object's controller has seen its newest wish."""
    status = item.get("status") or {}
    return int(status.get("observedGeneration", 0)) >= int(item["metadata"].get("generation", 0))


def read(kubernetes: Kubernetes, *, namespace: str, name: str) -> PoolState:
    """Ask the cluster. Raises UnknownPool, GatewayError."""
    try:
        deployment = kubernetes.get("deployments", name, namespace=namespace)
    except NotFound as error:
        raise UnknownPool(error.message) from error
    own = deployment["metadata"].get("labels") or {}
    if own.get(labels.DEPLOYMENT_TYPE) != labels.MODEL_POOL:
        raise UnknownPool(_("%(name)s is not a Model Pool.") % {"name": name})
    pods = decoded_pods(kubernetes, namespace=namespace, pool=name)
    return PoolState(
        deployment=deployment,
        sets=tuple(sets_of(kubernetes, deployment)),
        pods=tuple(facts_of_pod(pod) for pod in pods),
        born={pod.metadata.uid: iso(pod.metadata.creationTimestamp) for pod in pods},
    )


def sets_of(kubernetes: Kubernetes, deployment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The Deployment's ReplicaSets, the newest last."""
    meta = deployment["metadata"]
    selector = labels.selector(deployment["spec"]["selector"].get("matchLabels") or {})
    found = kubernetes.list("replicasets", namespace=meta["namespace"], label_selector=selector)
    return sorted((item for item in found if controls(meta["uid"], item)), key=revision)


def autoscalers(kubernetes: Kubernetes, *, namespace: str, name: str) -> list[str]:
    """HorizontalPodAutoscalers and KEDA's ScaledObjects that target the Deployment.

    KEDA makes an autoscaler of its own for a ScaledObject, but not while that is paused or scaled to zero.
    """
    found = kubernetes.list("horizontalpodautoscalers", namespace=namespace)
    found += scaled_objects(kubernetes, namespace)
    names = [item["metadata"]["name"] for item in found if targets(item, name)]
    return list(dict.fromkeys(names))


def targets(item: Mapping[str, Any], name: str) -> bool:
    """Whether it scales the Deployment of that name; KEDA takes a target without a kind for one."""
    target = (item.get("spec") or {}).get("scaleTargetRef") or {}
    return target.get("name") == name and target.get("kind", "Deployment") == "Deployment"


def scaled_objects(kubernetes: Kubernetes, namespace: str) -> list[dict[str, Any]]:
    """KEDA's objects; none where there is no KEDA, or no right to see them."""
    try:
        return kubernetes.list("scaledobjects", namespace=namespace)
    except (NotFound, Forbidden):
        return []
