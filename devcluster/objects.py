"""Small readers and copy-on-write writers of Kubernetes objects that controllers share."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
Key = tuple[str, str]

SAFE_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # upstream's alphabet: spells no words
SUFFIX_LENGTH = 5
NAME_LIMIT = 63


def key_of(obj: Json) -> Key:
    """(namespace, name) of an object; the namespace is empty for cluster-scoped ones."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def uid_of(obj: Json) -> str:
    uid: str = obj["metadata"].get("uid", "")
    return uid


def labels_of(obj: Json) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Json) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def spec_of(obj: Json) -> Json:
    return obj.get("spec") or {}


def status_of(obj: Json) -> Json:
    return obj.get("status") or {}


def is_terminating(obj: Json) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def generation_of(obj: Json) -> int:
    return int(obj["metadata"].get("generation", 0))


def with_metadata(obj: Json, **changes: Any) -> Json:
    """A copy with metadata fields set; None removes a field."""
    metadata = {**obj["metadata"], **changes}
    return {**obj, "metadata": {name: value for name, value in metadata.items() if value is not None}}


def with_annotations(obj: Json, changes: dict[str, str]) -> Json:
    return with_metadata(obj, annotations={**annotations_of(obj), **changes})


def with_spec(obj: Json, **changes: Any) -> Json:
    return {**obj, "spec": {**spec_of(obj), **changes}}


def with_status(obj: Json, status: Json) -> Json:
    return {**obj, "status": status}


def controller_ref(obj: Json) -> Json | None:
    """The owner reference with `controller: true`, if any."""
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            found: Json = reference
            return found
    return None


def owner_reference(owner: Json) -> Json:
    """A controller reference to `owner`, as controllers write it."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def is_owned_by(obj: Json, owner: Json) -> bool:
    reference = controller_ref(obj)
    return reference is not None and reference["uid"] == uid_of(owner)


def matches(selector: Json | None, labels: dict[str, str]) -> bool:
    """A LabelSelector (matchLabels, matchExpressions) against labels; None matches nothing, {} everything."""
    if selector is None:
        return False
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(name) != value for name, value in wanted.items()):
        return False
    return all(_expression(entry, labels) for entry in selector.get("matchExpressions") or ())


def _expression(entry: Json, labels: dict[str, str]) -> bool:
    return holds(entry["operator"], labels.get(entry["key"]), entry.get("values") or [])


def holds(operator: str, value: str | None, values: list[str]) -> bool:
    """One requirement of a label or node selector; `value` is None when the label is absent."""
    if operator == "In":
        return value is not None and value in values
    if operator == "NotIn":
        return value is None or value not in values
    if operator == "Exists":
        return value is not None
    if operator == "DoesNotExist":
        return value is None
    return value is not None and _compares(operator, value, values)


def _compares(operator: str, value: str, values: list[str]) -> bool:
    try:
        left, right = int(value), int(values[0])
    except (ValueError, IndexError):
        return False
    return left > right if operator == "Gt" else operator == "Lt" and left < right


def rfc3339(seconds: float) -> str:
    """Epoch seconds in Kubernetes' Time form: whole seconds, UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_time(seconds: float) -> str:
    """Epoch seconds in Kubernetes' MicroTime form."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def epoch(text: str | None) -> float:
    """The reverse of rfc3339 and micro_time; 0.0 for nothing."""
    if not text:
        return 0.0
    return datetime.fromisoformat(text).timestamp()


def random_suffix(rng: random.Random, length: int = SUFFIX_LENGTH) -> str:
    return "".join(rng.choice(SAFE_LETTERS) for _ in range(length))


def generated_name(base: str, rng: random.Random) -> str:
    """What the API server makes of generateName: the base cut to fit, and five safe letters."""
    return base[: NAME_LIMIT - SUFFIX_LENGTH] + random_suffix(rng)


def hashed(text: str, length: int = 10) -> str:
    """A short stable name of safe letters for a text (stands where upstream has its FNV hash)."""
    digest = hashlib.sha256(text.encode()).digest()
    return "".join(SAFE_LETTERS[byte % len(SAFE_LETTERS)] for byte in digest[:length])


def condition(conditions: Iterable[Json] | None, kind: str) -> Json | None:
    """The condition of this type, or None."""
    return next((entry for entry in conditions or () if entry.get("type") == kind), None)


def is_true(conditions: Iterable[Json] | None, kind: str) -> bool:
    found = condition(conditions, kind)
    return found is not None and found.get("status") == "True"


def put_condition(conditions: Iterable[Json] | None, entry: Json) -> list[Json]:
    """Conditions with `entry` in place of the one of its type, or appended."""
    listed = list(conditions or ())
    for index, old in enumerate(listed):
        if old.get("type") == entry["type"]:
            listed[index] = entry
            return listed
    return [*listed, entry]


def drop_condition(conditions: Iterable[Json] | None, kind: str) -> list[Json]:
    return [entry for entry in conditions or () if entry.get("type") != kind]


def clean(status: Json, keep: Callable[[Any], bool] = bool) -> Json:
    """Status without empty fields, as Go's omitempty leaves them out."""
    return {name: value for name, value in status.items() if keep(value)}
