"""May I: SelfSubjectAccessReview and SelfSubjectRulesReview, answered from RBAC and never stored."""

from __future__ import annotations

from typing import Any

from devcluster.api.request import Request
from devcluster.api.respond import send_json
from devcluster.api.writes import read_body
from devcluster.rbac import Attributes, Authorizer
from devcluster.resources import Resource

Json = dict[str, Any]


async def handle(request: Request, authorizer: Authorizer, kind: Resource) -> None:
    """POST of either review."""
    body = await read_body(request, kind)
    spec = body.get("spec") or {}
    if kind.kind == "SelfSubjectAccessReview":
        status = {"allowed": authorizer.allowed(request.user, _asked(spec))}
    else:
        status = _rules(authorizer.rules(request.user, spec.get("namespace", "")))
        spec = {}
    head = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": {"creationTimestamp": None}}
    await send_json(request, 201, {**head, "spec": spec, "status": status})


def _asked(spec: Json) -> Attributes:
    if path := spec.get("nonResourceAttributes"):
        return Attributes(path.get("verb", ""), path=path.get("path", ""))
    names = ("verb", "group", "resource", "subresource", "namespace", "name")
    given = spec.get("resourceAttributes") or {}
    return Attributes(**{name: given.get(name, "") for name in names})


def _rules(rules: list[Json]) -> Json:
    resource_keys = ("verbs", "apiGroups", "resources", "resourceNames")
    resources = [rule for rule in rules if rule.get("resources")]
    paths = [rule for rule in rules if rule.get("nonResourceURLs")]
    return {
        "resourceRules": [{key: rule[key] for key in resource_keys if rule.get(key)} for rule in resources],
        "nonResourceRules": [
            {"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]} for rule in paths
        ],
        "incomplete": False,
    }
