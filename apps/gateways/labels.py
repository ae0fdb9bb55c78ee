"""Every label key, annotation key and fixed value that the portal writes, once.

The templates in `k8s_templates/` name them as `${labels.BUSINESS}`, so a change here changes selectors,
templates and code together; `manage.py check_labels` lists what it leaves behind in a cluster.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

# Label keys
APP: Final = "app"
MODEL: Final = "model"
MODEL_TYPE: Final = "model-type"
BUSINESS: Final = "business"
DEPLOYMENT_TYPE: Final = "deployment-type"
SERVICE_TYPE: Final = "service-type"
MANAGED_BY: Final = "app.kubernetes.io/managed-by"

# Annotation keys
INTENT: Final = "hyperpod-portal.io/intent"
MODEL_ID: Final = "hyperpod-portal.io/model-id"
OPERATION: Final = "hyperpod-portal.io/operation"
ACTOR: Final = "hyperpod-portal.io/actor"
SCALE: Final = "hyperpod-portal.io/scale-down"
KEPT_APP: Final = "hyperpod-portal.io/kept-app"
ROLLOUT_HOLD: Final = "hyperpod-portal.io/rollout-hold"
DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"

# Fixed values
PORTAL: Final = "hyperpod-portal"
MODEL_POOL: Final = "model-pool"
STANDARD: Final = "standard"
BUSINESS_SERVICE: Final = "business-service"
MODEL_SERVICE: Final = "model-service"
UNASSIGNED: Final = "unassigned"
DRAINING: Final = "draining"
RETIRING: Final = "retiring"
COST_FREE: Final = "-100"
COST_LENT: Final = "100"
PORT_NAME: Final = "http"

LABEL_KEYS: Final = frozenset({APP, MODEL, MODEL_TYPE, BUSINESS, DEPLOYMENT_TYPE, SERVICE_TYPE, MANAGED_BY})
ANNOTATION_KEYS: Final = frozenset(
    {INTENT, MODEL_ID, OPERATION, ACTOR, SCALE, KEPT_APP, ROLLOUT_HOLD, DELETION_COST}
)
MODEL_TYPES: Final = ("vllm", "sglang", "ollama", "custom")
DEPLOYMENT_TYPES: Final = (MODEL_POOL, STANDARD)
RESERVED: Final = frozenset({UNASSIGNED, DRAINING, RETIRING})

# Seen in nodes, written by HyperPod and Kubernetes, never by us
INSTANCE_TYPE: Final = "node.kubernetes.io/instance-type"
ZONE: Final = "topology.kubernetes.io/zone"
CAPACITY_TYPE: Final = "eks.amazonaws.com/capacityType"
COMPUTE_TYPE: Final = "sagemaker.amazonaws.com/compute-type"
INSTANCE_GROUP: Final = "sagemaker.amazonaws.com/instance-group-name"
NODE_HEALTH: Final = "sagemaker.amazonaws.com/node-health-status"
DEEP_HEALTH: Final = "sagemaker.amazonaws.com/deep-health-check-status"
SERVICE_NAME: Final = "kubernetes.io/service-name"
NODE_GROUP: Final = "eks.amazonaws.com/nodegroup"
REVISION: Final = "deployment.kubernetes.io/revision"
TEMPLATE_HASH: Final = "pod-template-hash"
RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
GPU: Final = "nvidia.com/gpu"

# Written by Kubernetes on every namespace; what templates select by
NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"
SELECTED_KEYS: Final = frozenset({NAMESPACE_NAME})

MAX_LENGTH: Final = 63
_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def is_reserved(word: str) -> bool:
    """Whether a business may not be called so: the word has a meaning of its own (upper case counts too)."""
    return word.strip().lower() in RESERVED


def label_value_problem(value: str) -> str:
    """Say why Kubernetes refuses `value` as a label value; "" when it does not. Empty is a valid value."""
    if len(value) > MAX_LENGTH:
        return f"At most {MAX_LENGTH} characters; this has {len(value)}."
    if value and not _VALUE.fullmatch(value):
        return "Only letters, digits, '-', '_' and '.', beginning and ending with a letter or digit."
    return ""


def valid_label_value(value: str) -> bool:
    """Whether Kubernetes accepts `value` as a label value."""
    return not label_value_problem(value)


def check_label_value(value: str) -> str:
    """Return `value` or raise ValueError with a sentence for people."""
    if problem := label_value_problem(value):
        raise ValueError(problem)
    return value


def name_problem(value: str) -> str:
    """Say why `value` is no name for a Deployment, Service or namespace (RFC 1123 label); "" when it is."""
    if not value:
        return "A name is needed."
    if len(value) > MAX_LENGTH:
        return f"At most {MAX_LENGTH} characters; this has {len(value)}."
    if not _NAME.fullmatch(value):
        return "Only lower-case letters, digits and '-', beginning and ending with a letter or digit."
    return ""


def business_problem(value: str) -> str:
    """Say why no business may be called `value`; "" when one may."""
    if not value:
        return "A business needs a name."
    if is_reserved(value):
        return f"“{value}” is a reserved word."
    return label_value_problem(value)


def selector(labels: Mapping[str, str]) -> str:
    """A label selector for an API call: `{MODEL: "m", BUSINESS: "b"}` -> `model=m,business=b`.

    Raises ValueError for a value that Kubernetes refuses, so that no value can add a requirement.
    """
    return ",".join(f"{key}={check_label_value(value)}" for key, value in labels.items())


TEMPLATES: Final = Path(__file__).resolve().parents[2] / "k8s_templates"
_CONSTANT = re.compile(r"\$\{labels\.([A-Z_]+)\}")


def in_templates() -> dict[str, set[str]]:
    """The label keys that each file of `k8s_templates/` writes or selects by: file name -> keys."""
    return {
        path.name: {
            _resolved(key) for document in yaml.safe_load_all(path.read_text()) for key in _keys(document)
        }
        for path in sorted(TEMPLATES.glob("*.yaml"))
    }


def _resolved(key: str) -> str:
    match = _CONSTANT.fullmatch(key)
    return str(globals()[match[1]]) if match else key


def _keys(node: Any, inside: str = "") -> Iterator[str]:
    """The keys of every mapping called labels, matchLabels or selector."""
    if isinstance(node, list):
        for item in node:
            yield from _keys(item)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if inside in ("labels", "matchLabels", "selector") and not isinstance(value, dict):
            yield str(key)
        yield from _keys(value, str(key))
