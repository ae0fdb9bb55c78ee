"""Topic names, built here only. A topic carries no data: it says that something changed, readers look
themselves.

Names fit every channel layer (letters, digits, ".", "-", "_", under 100 characters); long ones end in a
digest.
"""

import re
from hashlib import sha1

MAX_LENGTH = 90
FORBIDDEN = re.compile(r"[^A-Za-z0-9._-]")


def kind(cluster_id: int, name: str) -> str:
    """Any object of that kind ("pods") of the cluster."""
    return _topic("kind", cluster_id, name)


def object(cluster_id: int, kind: str, namespace: str, name: str) -> str:
    """One object of the cluster."""
    return _topic("object", cluster_id, kind, namespace, name)


def many(cluster_id: int, kind: str) -> str:
    """So many objects of that kind at once that they were not announced one by one."""
    return _topic("many", cluster_id, kind)


def pool(cluster_id: int, namespace: str, name: str) -> str:
    """What the portal decided about one pool: intents, holdings, services."""
    return _topic("pool", cluster_id, namespace, name)


def load(cluster_id: int, namespace: str, name: str) -> str:
    """How busy the pods of one pool are."""
    return _topic("load", cluster_id, namespace, name)


def sync(cluster_id: int) -> str:
    """How well the mirror follows the cluster."""
    return _topic("sync", cluster_id)


def clusters() -> str:
    """The list of clusters."""
    return "clusters"


def operations() -> str:
    """Any operation."""
    return "operations"


def operation(pk: int) -> str:
    """One operation: its state and steps."""
    return _topic("operation", pk)


def lines(pk: int) -> str:
    """New lines of one operation."""
    return _topic("lines", pk)


def log(cluster_id: int, namespace: str, pod: str, container: str) -> str:
    """New lines of a container, or why none come."""
    return _topic("log", cluster_id, namespace, pod, container)


def audit() -> str:
    """A new audit entry."""
    return "audit"


def access(user_pk: int) -> str:
    """What one person may, their password, or their log-out."""
    return _topic("access", user_pk)


def sources_of(topic: str) -> tuple[str, ...]:
    """The topics to listen to for one topic: an object's changes may also come as `many` of its kind."""
    noun, *rest = topic.split(".")
    return (topic, ".".join(["many", *rest[:2]])) if noun == "object" else (topic,)


def _topic(noun: str, *parts: int | str) -> str:
    """ "object.7.pods.default.web"; parts that do not fit are replaced by a digest of the whole."""
    text = ".".join([noun, *(str(part) for part in parts)])
    clean = FORBIDDEN.sub("_", text)
    if clean == text and len(text) <= MAX_LENGTH:
        return text
    digest = sha1("\0".join([noun, *map(str, parts)]).encode(), usedforsecurity=False).hexdigest()
    return f"{clean[: MAX_LENGTH - 41]}.{digest}"
