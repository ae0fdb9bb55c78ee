"""Looks at a Deployment's pods, in words: "2 of 4 pods ready; vllm-...-x7: ImagePullBackOff: ..."."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.gateways.errors import NotFound
from apps.gateways.kubernetes import Kubernetes
from apps.operations.control import OperationFailed
from apps.operations.run import Seen

MOST_TROUBLES = 3
LONGEST = 300


class Vanished(OperationFailed):
    """The Deployment is gone while its pods were waited for."""


class Ready:
    """Whether every wanted pod of the newest template is ready."""

    def __init__(self, kubernetes: Kubernetes, namespace: str, name: str) -> None:
        self.kubernetes, self.namespace, self.name = kubernetes, namespace, name

    def __call__(self) -> Seen:
        """One look. Raises Vanished when the Deployment was deleted."""
        try:
            live = self.kubernetes.get("deployments", self.name, namespace=self.namespace)
        except NotFound as error:
            raise Vanished(_("%(name)s was deleted meanwhile.") % {"name": self.name}) from error
        pods = _pods(self.kubernetes, self.namespace, self.name)
        return Seen(done=is_complete(live), text=progress(live, pods))


class Gone:
    """Whether no pod of the Deployment is left."""

    def __init__(self, kubernetes: Kubernetes, namespace: str, name: str) -> None:
        self.kubernetes, self.namespace, self.name = kubernetes, namespace, name

    def __call__(self) -> Seen:
        """One look."""
        left = len(_pods(self.kubernetes, self.namespace, self.name))
        return Seen(done=left == 0, text=_("%(count)d pods left.") % {"count": left} if left else "")


def is_complete(live: dict[str, Any]) -> bool:
    """Whether the controller has seen the newest wish and nothing but ready pods of it is there."""
    wanted = live["spec"].get("replicas", 1)
    status = live.get("status") or {}
    return bool(
        status.get("observedGeneration", 0) >= live["metadata"].get("generation", 0)
        and status.get("updatedReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
        and status.get("readyReplicas", 0) == wanted
    )


def progress(live: dict[str, Any], pods: Iterable[dict[str, Any]]) -> str:
    """How far it is, and what keeps the first few pods from being ready."""
    ready = (live.get("status") or {}).get("readyReplicas", 0)
    wanted = live["spec"].get("replicas", 1)
    words = [_("%(ready)d of %(wanted)d pods ready") % {"ready": ready, "wanted": wanted}]
    troubles = [text for pod in pods if (text := trouble(pod))]
    words += troubles[:MOST_TROUBLES]
    if len(troubles) > MOST_TROUBLES:
        words.append(_("and %(count)d more") % {"count": len(troubles) - MOST_TROUBLES})
    return "; ".join(words)


def trouble(pod: dict[str, Any]) -> str:
    """Why a pod is not ready, as Kubernetes says it; "" for one that is ready or has nothing to say."""
    status = pod.get("status") or {}
    name = pod["metadata"]["name"]
    if pod["metadata"].get("deletionTimestamp"):
        return _("%(name)s: ending") % {"name": name}
    detail = _container_trouble(status) or _condition_trouble(status)
    return f"{name}: {detail}"[:LONGEST] if detail else ""


def _container_trouble(status: dict[str, Any]) -> str:
    for container in status.get("containerStatuses") or []:
        state = container.get("state") or {}
        detail = state.get("waiting") or state.get("terminated") or {}
        if detail.get("reason") and not container.get("ready"):
            return _said(detail)
    return _said(status) if status.get("reason") else ""


def _condition_trouble(status: dict[str, Any]) -> str:
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return _said(condition)
    return ""


def _said(detail: dict[str, Any]) -> str:
    return ": ".join(part for part in (detail.get("reason"), detail.get("message")) if part)


def _pods(kubernetes: Kubernetes, namespace: str, name: str) -> list[dict[str, Any]]:
    """The Deployment's pods, without those that have ended for good (evicted ones stay listed)."""
    found = kubernetes.list("pods", namespace=namespace, label_selector=labels.selector({labels.APP: name}))
    return [pod for pod in found if (pod.get("status") or {}).get("phase") not in ("Failed", "Succeeded")]
