"""Label and field selectors: their text parsed once into a test of an object."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from devcluster.errors import BadRequest
from devcluster.resources import Resource

Json = dict[str, Any]
Predicate = Callable[[Json], bool]

_TOKENS = re.compile(r"\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)")
_SYMBOLS = frozenset("=!(),<>") | {"==", "!="}
_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True)
class Requirement:
    """`key operator values`; operator is one of in, notin, exists, !exists, gt, lt."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        if self.operator == "in":
            return value in self.values
        if self.operator == "notin":
            return value not in self.values
        if self.operator in ("gt", "lt"):
            return _compare_numbers(value, self.values[0], self.operator)
        return (value is not None) == (self.operator == "exists")


def _compare_numbers(value: str | None, bound: str, operator: str) -> bool:
    if value is None or not value.isdigit() or not bound.isdigit():
        return False
    return int(value) > int(bound) if operator == "gt" else int(value) < int(bound)


class _Parser:
    """Upstream's grammar of label selectors, with its words for what does not parse."""

    def __init__(self, text: str) -> None:
        self.tokens = [match.group(1) for match in _TOKENS.finditer(text)]
        self.position = 0

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.position += 1
        return token

    def identifier(self) -> str:
        token = self.take()
        if not token or token in _SYMBOLS:
            raise _unparsable(f"found '{token}', expected: identifier")
        return token

    def parse(self) -> list[Requirement]:
        found: list[Requirement] = []
        while self.peek():
            found.append(self.requirement())
            token = self.take()
            if token not in (",", ""):
                raise _unparsable(f"found '{token}', expected: ',' or 'end of string'")
        return found

    def requirement(self) -> Requirement:
        if self.peek() == "!":
            self.take()
            return Requirement(self.key(), "!exists")
        key = self.key()
        token = self.peek()
        if token in ("", ","):
            return Requirement(key, "exists")
        self.take()
        if token in ("in", "notin"):
            return Requirement(key, token, self.values())
        operators = {"=": "in", "==": "in", "!=": "notin", ">": "gt", "<": "lt"}
        if token not in operators:
            raise _unparsable(f"found '{token}', expected: in, notin, =, ==, !=, gt, lt")
        return Requirement(key, operators[token], (self.value(),))

    def key(self) -> str:
        key = self.identifier()
        if not _KEY.fullmatch(key):
            raise _unparsable(f'invalid label key "{key}"')
        return key

    def value(self) -> str:
        return "" if self.peek() in (",", "") else self.identifier()

    def values(self) -> tuple[str, ...]:
        if (opening := self.take()) != "(":
            raise _unparsable(f"found '{opening}', expected: '('")
        found = []
        while (value := self.take()) != ")":
            if not value:
                raise _unparsable("found '', expected: ',', or ')'")
            found.append("" if value == "," else value)
            if value != "," and self.peek() == ",":
                self.take()
        return tuple(found)


def _unparsable(why: str) -> BadRequest:
    return BadRequest(f"unable to parse requirement: {why}")


def parse_labels(text: str) -> list[Requirement]:
    """The requirements of a label selector; BadRequest."""
    return _Parser(text).parse()


def label_predicate(text: str) -> Predicate:
    """A test of an object's labels."""
    requirements = parse_labels(text)

    def test(obj: Json) -> bool:
        labels = obj["metadata"].get("labels") or {}
        return all(requirement.matches(labels) for requirement in requirements)

    return test


EXPRESSIONS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!exists"}


def matches_selector(selector: Json | None, labels: Mapping[str, str]) -> bool:
    """A LabelSelector object (matchLabels, matchExpressions); None selects nothing, {} everything."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(
        Requirement(part["key"], EXPRESSIONS[part["operator"]], tuple(part.get("values") or ())).matches(
            labels
        )
        for part in selector.get("matchExpressions") or ()
    )


def selector_text(selector: Json | None) -> str:
    """A LabelSelector as the text that Scale and Table answers show."""
    parts = [f"{key}={value}" for key, value in sorted(((selector or {}).get("matchLabels") or {}).items())]
    for part in (selector or {}).get("matchExpressions") or ():
        values = ",".join(sorted(part.get("values") or ()))
        forms = {
            "In": f"{part['key']} in ({values})",
            "NotIn": f"{part['key']} notin ({values})",
            "Exists": part["key"],
            "DoesNotExist": f"!{part['key']}",
        }
        parts.append(forms[part["operator"]])
    return ",".join(parts)


_GENERIC = ("metadata.name", "metadata.namespace")
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
FIELDS: dict[str, tuple[str, ...]] = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "events": (
        *(f"involvedObject.{name}" for name in _INVOLVED),
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "nodes": ("spec.unschedulable",),
    "namespaces": ("status.phase",),
    "secrets": ("type",),
    "replicasets.apps": ("status.replicas",),
    "jobs.batch": ("status.successful",),
    "services": ("spec.clusterIP", "spec.type"),
}
_OWN_WORDS = frozenset(FIELDS)


def field_predicate(text: str, resource: Resource) -> Predicate:
    """A test of an object's fields; BadRequest for a field this type cannot be selected by."""
    tests = [_field_test(part, resource) for part in text.split(",") if part.strip()]

    def test(obj: Json) -> bool:
        return all((_field(obj, path) == value) is equal for path, value, equal in tests)

    return test


def _field_test(part: str, resource: Resource) -> tuple[str, str, bool]:
    match = re.fullmatch(r"\s*([^=!\s]+)\s*(!=|==|=)\s*(.*?)\s*", part)
    if match is None:
        raise BadRequest(f"invalid selector: '{part}'; can't understand '{part}'")
    path, operator, value = match.groups()
    if path not in _GENERIC + FIELDS.get(resource.key, ()):
        raise BadRequest(_unsupported(path, resource))
    return path, value, operator != "!="


def _unsupported(path: str, resource: Resource) -> str:
    if resource.key in _OWN_WORDS:
        return f"field label not supported: {path}"
    return f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"'


def _field(obj: Json, path: str) -> str:
    if path == "source" and obj.get("kind") == "Event":
        path = "source.component"
    value: Any = obj
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return _default_of(path) if value is None else str(value)


def _default_of(path: str) -> str:
    return "false" if path in ("spec.unschedulable", "spec.hostNetwork") else ""
