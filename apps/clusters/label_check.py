"""Whether code, templates and the objects of a cluster agree on label keys, and what a changed key left
behind.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.gateways import labels
from apps.gateways.kubernetes import Kubernetes

KINDS = ("deployments", "services", "pods")
POOL_KEYS = frozenset({labels.APP, labels.MODEL, labels.MODEL_TYPE, labels.DEPLOYMENT_TYPE})
SERVICE_KEYS = frozenset({labels.BUSINESS, labels.MODEL, labels.SERVICE_TYPE})


@dataclass(frozen=True)
class Finding:
    """One disagreement: where it is and what is wrong there."""

    place: str
    words: str


def check_templates(templates: Mapping[str, Iterable[str]] | None = None) -> list[Finding]:
    """Keys that a template writes and the code does not know, and the other way round."""
    written = labels.in_templates() if templates is None else templates
    unknown = [
        Finding(f"k8s_templates/{file}", f"writes “{key}”, which labels.py does not know")
        for file, keys in written.items()
        for key in sorted(set(keys) - labels.LABEL_KEYS - labels.SELECTED_KEYS)
    ]
    used = {key for keys in written.values() for key in keys}
    unused = [
        Finding("labels.py", f"names “{key}”, which no template writes")
        for key in sorted(labels.LABEL_KEYS - used)
    ]
    return unknown + unused


def check_cluster(kubernetes: Kubernetes, former: Iterable[str] = ()) -> list[Finding]:
    """The cluster's objects that are ours but lack a key of today, or still carry a `former` one."""
    found: list[Finding] = []
    for kind in KINDS:
        for item in kubernetes.list(kind):
            found += check_object(kind, item, frozenset(former))
    return found


def check_object(kind: str, item: Mapping[str, Any], former: frozenset[str]) -> list[Finding]:
    """What is wrong with one object."""
    meta = item["metadata"]
    place = f"{kind} {meta.get('namespace', '')}/{meta['name']}"
    keys = every_key(item)
    old = [
        Finding(place, f"{where} still uses “{key}”")
        for where, used in keys.items()
        for key in sorted(used & former)
    ]
    missing = sorted(expected(kind, item) - keys["labels"])
    return old + [Finding(place, f"lacks the label “{key}”") for key in missing]


def every_key(item: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Where an object holds label keys: its labels, its selector, its pod template."""
    spec = item.get("spec") or {}
    selector = spec.get("selector") or {}
    template = (spec.get("template") or {}).get("metadata") or {}
    return {
        "labels": frozenset(item["metadata"].get("labels") or {}),
        "selector": frozenset(selector.get("matchLabels") or selector),
        "template": frozenset(template.get("labels") or {}),
    }


def expected(kind: str, item: Mapping[str, Any]) -> frozenset[str]:
    """The keys that an object of ours must carry; none for objects of others."""
    meta = item["metadata"]
    annotations = meta.get("annotations") or {}
    ours = labels.ANNOTATION_KEYS - {labels.DELETION_COST}
    if not ours & annotations.keys():
        return frozenset()
    if kind == "services":
        is_business = (meta.get("labels") or {}).get(labels.SERVICE_TYPE) != labels.MODEL_SERVICE
        return SERVICE_KEYS if is_business else frozenset({labels.SERVICE_TYPE})
    if kind == "pods" and labels.INTENT in annotations:
        return POOL_KEYS | {labels.BUSINESS}
    return POOL_KEYS
