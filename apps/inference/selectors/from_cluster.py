"""What only the cluster knows: containers, events, manifests. Asked when somebody looks, kept briefly.

All who look within KEPT seconds share one read, so open pages do not multiply requests.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from apps.audit.redaction import HIDDEN, clean, is_secret, redact
from apps.clusters.connections import connect

T = TypeVar("T")
KEPT: Final = 3.0
MOST: Final = 256
_answers: dict[Any, tuple[float, Future[Any]]] = {}
_guard = threading.Lock()


def shared(key: Any, ask: Callable[[], T]) -> T:
    """The answer of `ask`, or of somebody who asked the same just now. Raises what it raises."""
    with _guard:
        fresh = time.monotonic() - KEPT
        for old in [known for known, (at, _answer) in _answers.items() if at < fresh]:
            del _answers[old]
        known = _answers.get(key)
        answer: Future[T] = known[1] if known else Future()
        if known is None and len(_answers) < MOST:
            _answers[key] = time.monotonic(), answer
    if known is None:
        try:
            answer.set_result(ask())
        except BaseException as error:
            answer.set_exception(error)
            raise
    return answer.result(timeout=30)


def pod(cluster_id: int, namespace: str, name: str) -> dict[str, Any]:
    """The pod's manifest. Raises GatewayError."""
    key = (cluster_id, "pods", namespace, name)
    return shared(key, lambda: connect(cluster_id).kubernetes.get("pods", name, namespace=namespace))


def deployment(cluster_id: int, namespace: str, name: str) -> dict[str, Any]:
    """The Deployment's manifest. Raises GatewayError."""
    key = (cluster_id, "deployments", namespace, name)
    return shared(key, lambda: connect(cluster_id).kubernetes.get("deployments", name, namespace=namespace))


def events(cluster_id: int, namespace: str, kind: str, name: str) -> list[dict[str, Any]]:
    """What the cluster noted about one object, the newest first. Raises GatewayError."""
    wanted = f"involvedObject.kind={kind},involvedObject.name={name}"

    def ask() -> list[dict[str, Any]]:
        kubernetes = connect(cluster_id).kubernetes
        return kubernetes.list("events", namespace=namespace, field_selector=wanted)

    found = shared((cluster_id, "events", namespace, kind, name), ask)
    return sorted(map(event, found), key=lambda item: str(item["at"]), reverse=True)


def event(item: dict[str, Any]) -> dict[str, Any]:
    """An event as pages show it."""
    source = item.get("reportingComponent") or (item.get("source") or {}).get("component", "")
    series = item.get("series") or {}
    return {
        "type": item.get("type") or "Normal",
        "reason": item.get("reason", ""),
        "message": clean(str(item.get("message", ""))),
        "count": series.get("count") or item.get("count") or 1,
        "source": source,
        "at": series.get("lastObservedTime") or item.get("lastTimestamp") or item.get("eventTime") or "",
    }


def shown(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest for people: without managedFields, and with secrets hidden, also those in `env`."""
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "managedFields"}
    found: dict[str, Any] = redact(manifest | {"metadata": metadata})
    for container in containers_of(found):
        for variable in container.get("env") or ():
            if variable.get("value") and is_secret(str(variable.get("name", ""))):
                variable["value"] = HIDDEN
    return found


def containers_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The containers of a pod or of a pod template, those that run first included."""
    spec = manifest.get("spec") or {}
    inner = (spec.get("template") or {}).get("spec") or spec
    return [*(inner.get("initContainers") or ()), *(inner.get("containers") or ())]
