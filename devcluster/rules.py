"""The rules of each kind: pods, workloads, services and what else the portal or its people write."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from devcluster.causes import (
    BAD_LABEL,
    BAD_QUANTITY,
    DNS_LABEL,
    IMMUTABLE,
    NOT_NEGATIVE,
    PORT_RANGE,
    Causes,
    forbidden,
    invalid,
    labels,
    matched,
    parse_quantity,
    required,
    unsupported,
)
from devcluster.errors import Cause
from devcluster.selectors import EXPRESSIONS, matches_selector

Json = dict[str, Any]

MUTABLE_POD_FIELDS = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
ROLE_KINDS = ("Role", "ClusterRole")
SUBJECT_KINDS = ("User", "Group", "ServiceAccount")
BAD_CONFIG_KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  "
    "or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def _pod(obj: Json, old: Json | None) -> Causes:
    yield from _pod_spec(obj.get("spec") or {}, "spec")
    if old is not None:
        yield from _pod_changes(obj, old)


def _pod_changes(obj: Json, old: Json) -> Causes:
    if _fixed_part(obj["spec"]) != _fixed_part(old["spec"]):
        yield forbidden("spec", MUTABLE_POD_FIELDS)
    for item in old["spec"].get("tolerations") or ():
        if item not in (obj["spec"].get("tolerations") or ()):
            yield forbidden(
                "spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"
            )


def _fixed_part(spec: Json) -> Json:
    loose = ("containers", "initContainers", "activeDeadlineSeconds", "tolerations")
    fixed = {name: value for name, value in spec.items() if name not in loose}
    for name in ("containers", "initContainers"):
        fixed[name] = [
            {key: part for key, part in item.items() if key != "image"} for item in spec.get(name) or ()
        ]
    return fixed


def _pod_spec(spec: Json, path: str) -> Causes:
    containers = spec.get("containers") or []
    if not containers:
        yield required(f"{path}.containers")
    seen: set[str] = set()
    for index, container in enumerate(containers):
        yield from _container(container, f"{path}.containers[{index}]", seen)
    for index, container in enumerate(spec.get("initContainers") or ()):
        yield from _container(container, f"{path}.initContainers[{index}]", seen)
    grace = spec.get("terminationGracePeriodSeconds", 0)
    if grace < 0:
        yield invalid(f"{path}.terminationGracePeriodSeconds", grace, NOT_NEGATIVE)
    if spec.get("restartPolicy") not in ("Always", "OnFailure", "Never"):
        yield unsupported(
            f"{path}.restartPolicy", spec.get("restartPolicy"), ("Always", "OnFailure", "Never")
        )
    yield from labels(spec.get("nodeSelector") or {}, f"{path}.nodeSelector")


def _container(container: Json, path: str, seen: set[str]) -> Causes:
    name = container.get("name", "")
    if not name:
        yield required(f"{path}.name")
    else:
        yield from matched(f"{path}.name", name, DNS_LABEL, 63, BAD_LABEL)
    if name in seen:
        yield Cause("FieldValueDuplicate", f'Duplicate value: "{name}"', f"{path}.name")
    seen.add(name)
    if not container.get("image"):
        yield required(f"{path}.image")
    for index, port in enumerate(container.get("ports") or ()):
        if not 1 <= port.get("containerPort", 0) <= 65535:
            yield invalid(f"{path}.ports[{index}].containerPort", port.get("containerPort", 0), PORT_RANGE)
    for index, variable in enumerate(container.get("env") or ()):
        if not variable.get("name"):
            yield required(f"{path}.env[{index}].name")
    yield from _amounts(container.get("resources") or {}, f"{path}.resources")


def _amounts(resources: Json, path: str) -> Causes:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for section, values in (("limits", limits), ("requests", requests)):
        for name, text in values.items():
            amount = parse_quantity(text)
            if amount is None or amount < 0:
                why = NOT_NEGATIVE if amount is not None else BAD_QUANTITY
                yield invalid(f"{path}.{section}[{name}]", text, why)
    for name, text in limits.items():
        asked, limit = parse_quantity(requests.get(name, text)), parse_quantity(text)
        if asked is None or limit is None:
            continue
        if asked > limit:
            yield invalid(
                f"{path}.requests", requests[name], f"must be less than or equal to {name} limit of {text}"
            )
        elif "/" in name and asked != limit:
            yield invalid(f"{path}.requests", requests[name], f"must be equal to {name} limit of {text}")


def _workload(obj: Json, old: Json | None) -> Causes:
    spec = obj.get("spec") or {}
    yield from _replicas(spec)
    selector = spec.get("selector")
    template_labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if not selector:
        yield required("spec.selector")
    elif not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield invalid("spec.selector", {}, "empty selector is invalid for deployment")
    elif broken := list(_expressions(selector)):
        yield from broken
    elif not matches_selector(selector, template_labels):
        yield invalid(
            "spec.template.metadata.labels", template_labels, "`selector` does not match template `labels`"
        )
    yield from labels(template_labels, "spec.template.labels")
    yield from _template(spec, ("Always",))
    if old is not None and selector != old["spec"].get("selector"):
        yield _selector_immutable(selector or {})


def _expressions(selector: Json) -> Causes:
    """The rules of a selector's matchExpressions."""
    for index, part in enumerate(selector.get("matchExpressions") or ()):
        path = f"spec.selector.matchExpressions[{index}]"
        operator = part.get("operator", "")
        if not part.get("key"):
            yield required(f"{path}.key")
        if operator not in EXPRESSIONS:
            yield invalid(f"{path}.operator", operator, "not a valid selector operator")
        elif bool(part.get("values")) != (operator in ("In", "NotIn")):
            yield required(
                f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn', only then"
            )


def _budget(obj: Json, old: Json | None) -> Causes:
    yield from _expressions((obj.get("spec") or {}).get("selector") or {})


def _replicas(spec: Json) -> Causes:
    if spec.get("replicas", 0) < 0:
        yield invalid("spec.replicas", spec["replicas"], NOT_NEGATIVE)


def _selector_immutable(selector: Json) -> Cause:
    pairs = ", ".join(
        f'"{key}":"{value}"' for key, value in sorted((selector.get("matchLabels") or {}).items())
    )
    matching = f"MatchLabels:map[string]string{{{pairs}}}"
    shown = f"v1.LabelSelector{{{matching}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}}"
    return Cause("FieldValueInvalid", f"Invalid value: {shown}: {IMMUTABLE}", "spec.selector")


def _template(spec: Json, policies: tuple[str, ...]) -> Causes:
    template = spec.get("template")
    if not template:
        yield required("spec.template")
        return
    pod = template.get("spec") or {}
    if pod.get("restartPolicy") not in policies:
        yield unsupported("spec.template.spec.restartPolicy", pod.get("restartPolicy"), policies)
    yield from _pod_spec(pod, "spec.template.spec")


def _job(obj: Json, old: Json | None) -> Causes:
    spec = obj.get("spec") or {}
    for name in ("parallelism", "completions", "backoffLimit"):
        if spec.get(name, 0) < 0:
            yield invalid(f"spec.{name}", spec[name], NOT_NEGATIVE)
    yield from _template(spec, ("OnFailure", "Never"))
    if old is not None and old["spec"].get("template") != spec.get("template"):
        yield invalid("spec.template", "...", IMMUTABLE)


def _service(obj: Json, old: Json | None) -> Causes:
    spec = obj.get("spec") or {}
    kinds = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    if spec.get("type") not in kinds:
        yield unsupported("spec.type", spec.get("type"), kinds)
    if not spec.get("ports") and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName":
        yield required("spec.ports")
    yield from labels(spec.get("selector") or {}, "spec.selector")
    yield from _service_ports(spec.get("ports") or [])
    before = (old or {}).get("spec", {}).get("clusterIP")
    if (
        before
        and spec.get("clusterIP")
        and spec["clusterIP"] != before
        and spec.get("type") != "ExternalName"
    ):
        yield invalid("spec.clusterIPs[0]", [spec["clusterIP"]], "may not change once set")


def _service_ports(ports: list[Json]) -> Causes:
    names: set[str] = set()
    for index, port in enumerate(ports):
        path = f"spec.ports[{index}]"
        name = port.get("name", "")
        if not name and len(ports) > 1:
            yield required(f"{path}.name")
        if name:
            yield from matched(f"{path}.name", name, DNS_LABEL, 63, BAD_LABEL)
        if name in names:
            yield Cause("FieldValueDuplicate", f'Duplicate value: "{name}"', f"{path}.name")
        names.add(name)
        if not 1 <= port.get("port", 0) <= 65535:
            yield invalid(f"{path}.port", port.get("port", 0), PORT_RANGE)


def _quota(obj: Json, old: Json | None) -> Causes:
    for name, text in ((obj.get("spec") or {}).get("hard") or {}).items():
        if parse_quantity(text) is None:
            yield invalid(f"spec.hard[{name}]", text, BAD_QUANTITY)


def _config(obj: Json, old: Json | None) -> Causes:
    for section in ("data", "binaryData"):
        for key in obj.get(section) or {}:
            if not re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key):
                yield invalid(f"{section}[{key}]", key, BAD_CONFIG_KEY)
    if old is not None and old.get("immutable"):
        yield forbidden("data", "field is immutable when `immutable` is set")


def _binding(obj: Json, old: Json | None) -> Causes:
    reference = obj.get("roleRef") or {}
    if reference.get("kind") not in ROLE_KINDS:
        yield unsupported("roleRef.kind", reference.get("kind", ""), ROLE_KINDS)
    if not reference.get("name"):
        yield required("roleRef.name")
    for index, subject in enumerate(obj.get("subjects") or ()):
        if subject.get("kind") not in SUBJECT_KINDS:
            yield unsupported(f"subjects[{index}].kind", subject.get("kind", ""), SUBJECT_KINDS)
        if not subject.get("name"):
            yield required(f"subjects[{index}].name")
    if old is not None and obj.get("roleRef") != old.get("roleRef"):
        yield invalid("roleRef", obj.get("roleRef"), "cannot change roleRef")


RULES: dict[str, Callable[[Json, Json | None], Causes]] = {
    "pods": _pod,
    "deployments.apps": _workload,
    "replicasets.apps": _workload,
    "statefulsets.apps": _workload,
    "daemonsets.apps": _workload,
    "jobs.batch": _job,
    "services": _service,
    "poddisruptionbudgets.policy": _budget,
    "resourcequotas": _quota,
    "configmaps": _config,
    "secrets": _config,
    "rolebindings.rbac.authorization.k8s.io": _binding,
    "clusterrolebindings.rbac.authorization.k8s.io": _binding,
}
