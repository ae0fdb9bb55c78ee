"""Names that Kubernetes takes, made from any model id; the id itself stays in an annotation."""

import hashlib
import re
import unicodedata
from collections.abc import Container

LONGEST = 45
"""Characters of a deployment's name: leaves 18 of 63 for `-<replica set>-<pod>`, `-svc` and the like."""

_HASH = 6
_ALLOWED = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
_PLAIN = re.compile(r"[A-Za-z0-9._/:@ -]*\Z")


def slug(model_id: str) -> str:
    """`model_id` in lower case with everything but a-z and 0-9 as single dashes; may be empty."""
    plain = unicodedata.normalize("NFKD", model_id).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def kubernetes_name(
    model_id: str, *, engine: str, suffix: str = "", taken: Container[str] = (), longest: int = LONGEST
) -> str:
    """`<engine>-<slug>[-<suffix>]`, at most `longest` characters, unlike every name in `taken`.

    Ids that would lose more than punctuation (cut off, or letters outside ASCII) keep apart by six characters
    of their hash. The same arguments always give the same name.
    """
    tail = f"-{suffix}" if suffix else ""
    name = _fit(f"{engine}-{slug(model_id)}".rstrip("-"), model_id, longest - len(tail)) + tail
    number = 2
    while name in taken:
        mark = f"-{number}{tail}"
        name = _fit(f"{engine}-{slug(model_id)}".rstrip("-"), model_id, longest - len(mark)) + mark
        number += 1
    return name


def priority_class(namespace: str, name: str) -> str:
    """The PriorityClass of one pool (they have no namespace), by which a quota stops its new pods."""
    mark = hashlib.sha256(f"{namespace}/{name}".encode()).hexdigest()[:10]
    return f"pool-{name[:40].rstrip('-')}-{mark}"


def is_name(value: str, *, longest: int = LONGEST) -> bool:
    """Whether Kubernetes takes `value` for a Service and a Deployment (DNS-1035), in `longest` characters."""
    return len(value) <= longest and _ALLOWED.match(value) is not None


def _fit(name: str, model_id: str, room: int) -> str:
    if len(name) <= room and _PLAIN.match(model_id) and slug(model_id):
        return name
    mark = hashlib.sha256(model_id.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
    return f"{name[: room - _HASH - 1].rstrip('-')}-{mark}"
