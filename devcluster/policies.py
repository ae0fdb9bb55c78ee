"""ValidatingAdmissionPolicies: what their bindings and expressions say of a write.

A policy counts from the moment when its controller has read it (`status.observedGeneration`), as a real API
server hears of a new one a little later, too. Not here: variables, audit annotations, message expressions,
authorizer checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from devcluster.auth import User
from devcluster.cel import CelError, Value, compiled
from devcluster.errors import Forbidden
from devcluster.objects import generation_of, labels_of, matches, spec_of, status_of
from devcluster.resources import Resource, resource, resource_for
from devcluster.store import Store

Json = dict[str, Any]
POLICIES = resource("validatingadmissionpolicies")
BINDINGS = resource("validatingadmissionpolicybindings")
NAMESPACES = resource("namespaces")
GROUP = POLICIES.group
CODES = {"Unauthorized": 401, "Forbidden": 403, "Invalid": 422, "RequestEntityTooLarge": 413}


@dataclass(frozen=True)
class Asked:
    """A write at the door: CREATE, UPDATE or DELETE; `old` and `new` as the expressions see them."""

    operation: str
    kind: Resource
    user: User
    new: Json | None = None
    old: Json | None = None

    @property
    def obj(self) -> Json:
        return self.new or self.old or {}

    @property
    def namespace(self) -> str:
        return str(self.obj["metadata"].get("namespace", ""))

    def scope(self) -> Json:
        """The expressions' variables."""
        who = {"username": self.user.name, "groups": list(self.user.groups)}
        request = {"operation": self.operation, "userInfo": who, "namespace": self.namespace}
        named = {**request, "name": self.obj["metadata"].get("name", "")}
        return {"object": self.new, "oldObject": self.old, "request": named}


@cache
def expression(text: str) -> Value:
    """Compiled once."""
    return compiled(text)


class Policies:
    """What the policies in a store say."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def check(self, asked: Asked) -> None:
        """Forbidden, with the policy's words and code, when one of them denies the write."""
        if asked.kind.group == GROUP or not self._store.shelf(POLICIES).records:
            return
        for binding in self._store.list(BINDINGS):
            policy = self._store.find(POLICIES, "", str(spec_of(binding).get("policyName", "")))
            if policy and observed(policy) and self._concerns(policy, binding, asked):
                self._judge(policy, binding, asked)

    def _concerns(self, policy: Json, binding: Json, asked: Asked) -> bool:
        constraints = spec_of(policy).get("matchConstraints") or {}
        narrower = spec_of(binding).get("matchResources") or {}
        rules = constraints.get("resourceRules") or ()
        if not any(_covers(rule, asked) for rule in rules):
            return False
        own = narrower.get("resourceRules")
        if own and not any(_covers(rule, asked) for rule in own):
            return False
        return all(self._selected(part, asked) for part in (constraints, narrower))

    def _selected(self, part: Json, asked: Asked) -> bool:
        """Both selectors; for an update, the object before or after may fit."""
        versions = [obj for obj in (asked.new, asked.old) if obj is not None]
        if not any(_fits(part.get("objectSelector"), labels_of(obj)) for obj in versions):
            return False
        space = self._store.find(NAMESPACES, "", asked.namespace) if asked.namespace else None
        return space is None or _fits(part.get("namespaceSelector"), labels_of(space))

    def _judge(self, policy: Json, binding: Json, asked: Asked) -> None:
        if "Deny" not in (spec_of(binding).get("validationActions") or ()):
            return
        for params in self._params(policy, binding, asked):
            scope = {**asked.scope(), "params": params}
            for why, reason in _broken(spec_of(policy), scope):
                raise _denial(policy, binding, asked, why, reason)

    def _params(self, policy: Json, binding: Json, asked: Asked) -> Iterator[Json | None]:
        """The parameter objects, each of which must allow the write; None for a policy without any."""
        kind, ref = spec_of(policy).get("paramKind"), spec_of(binding).get("paramRef")
        if not kind or not ref:
            yield None
            return
        found = resource_for(kind["apiVersion"], kind["kind"])
        space = (ref.get("namespace") or asked.namespace) if found.namespaced else None
        for item in self._store.list(found, space):
            named = ref.get("name", item["metadata"]["name"]) == item["metadata"]["name"]
            if named and _fits(ref.get("selector"), labels_of(item)):
                yield item


def observed(policy: Json) -> bool:
    """Whether the policy, as it is, has been read."""
    return bool(status_of(policy).get("observedGeneration") == generation_of(policy))


def _covers(rule: Json, asked: Asked) -> bool:
    said = (
        ("operations", asked.operation),
        ("apiGroups", asked.kind.group),
        ("apiVersions", asked.kind.version),
        ("resources", asked.kind.plural),
    )
    named = rule.get("resourceNames")
    return all({"*", word} & set(rule.get(field) or ()) for field, word in said) and (
        not named or asked.obj["metadata"].get("name") in named
    )


def _fits(selector: Json | None, labels: Mapping[str, str]) -> bool:
    return not selector or matches(selector, dict(labels))


def _broken(spec: Json, scope: Json) -> Iterator[tuple[str, str]]:
    """(message, reason) of each validation that does not hold, unless a match condition lets the write go."""
    strict = spec.get("failurePolicy", "Fail") == "Fail"
    try:
        if not all(expression(item["expression"])(scope) for item in spec.get("matchConditions") or ()):
            return
        for item in spec.get("validations") or ():
            if not expression(item["expression"])(scope):
                failed = f"failed expression: {item['expression']}"
                yield item.get("message") or failed, item.get("reason") or "Invalid"
    except CelError as error:
        if strict:
            yield f"expression resulted in error: {error}", "Invalid"


def _denial(policy: Json, binding: Json, asked: Asked, why: str, reason: str) -> Forbidden:
    """As upstream words it: forbidden, but with the code of the validation's reason (422 without one)."""
    names = f"'{policy['metadata']['name']}' with binding '{binding['metadata']['name']}'"
    words = f"ValidatingAdmissionPolicy {names} denied request: {why}"
    error = Forbidden(asked.kind.plural, str(asked.obj["metadata"].get("name", "")), words, asked.kind.group)
    error.reason, error.code = reason, CODES.get(reason, 422)
    return error
