"""The published schemas of Kubernetes 1.33 as a tree of nodes: types, list keys, merge keys, field texts.

Source: the `_definitions.json` that the `kubernetes-validate` package carries, made from upstream's OpenAPI.
"""

from __future__ import annotations

import functools
import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from devcluster.resources import Resource

Json = dict[str, Any]

SCHEMA_VERSION = "v1.33.0-local"
META = "io.k8s.apimachinery.pkg.apis.meta.v1"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
KEY_DEFAULTS = {"protocol": "TCP"}  # list-map keys that upstream's schema gives a default


@dataclass(slots=True, eq=False)
class Node:
    """One place in a document.

    `type` is object (fixed fields), map (free keys), list, string, integer, number, boolean, quantity,
    intorstring, time or any. Lists have `list_type` atomic, set or map (then `keys` name an item).
    """

    type: str
    name: str = ""
    fields: dict[str, Node] = field(default_factory=dict)
    items: Node | None = None
    list_type: str = "atomic"
    keys: tuple[str, ...] = ()
    merge_key: str = ""
    merges: bool = False
    retain_keys: bool = False
    atomic: bool = False
    required: frozenset[str] = frozenset()
    description: str = ""

    def child(self, name: str) -> Node:
        """The node of a field or map value; `any` where the schema says nothing."""
        if self.type == "map" and self.items is not None:
            return self.items
        return self.fields.get(name, ANY)


ANY = Node("any")
_PREFIXES = {
    "": "io.k8s.api.core",
    "apps": "io.k8s.api.apps",
    "batch": "io.k8s.api.batch",
    "policy": "io.k8s.api.policy",
    "autoscaling": "io.k8s.api.autoscaling",
}


def schema_of(resource: Resource) -> Node:
    """The tree of a resource; a type that upstream does not publish keeps whatever it is given."""
    name = definition_name(resource)
    return node(name) if name in definitions() else _custom()


def definition_name(resource: Resource) -> str:
    """The OpenAPI name of a resource's type, such as `io.k8s.api.apps.v1.Deployment`."""
    group = (
        _PREFIXES.get(resource.group) or "io.k8s.api." + resource.group.removesuffix(".k8s.io").split(".")[0]
    )
    return f"{group}.{resource.version}.{resource.kind}"


@functools.cache
def definitions() -> dict[str, Json]:
    """OpenAPI name -> JSON schema."""
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the development cluster needs the package kubernetes-validate for its schemas")
    folder = Path(spec.submodule_search_locations[0])
    path = folder / "kubernetes-json-schema" / SCHEMA_VERSION / "_definitions.json"
    found: dict[str, Json] = orjson.loads(path.read_bytes())["$defs"]
    return found


_nodes: dict[str, Node] = {}


def node(name: str) -> Node:
    """The tree of one definition, built once; types may contain themselves."""
    found = _nodes.get(name)
    if found is None:
        found = _nodes[name] = Node("any", name=name.rsplit(".", 1)[1])
        _fill(found, name, definitions()[name])
    return found


def _fill(target: Node, name: str, schema: Json) -> None:
    if name == QUANTITY:
        target.type = "quantity"
    elif name == INT_OR_STRING:
        target.type = "intorstring"
    elif name.startswith(META) and name.endswith("Time"):
        target.type = "time"
    else:
        _describe(target, schema)


def _describe(target: Node, schema: Json) -> None:
    """Read one inline schema into a node."""
    kinds = schema.get("type", "any")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    target.description = schema.get("description", "")
    _read_extensions(target, schema)
    if kind == "array":
        target.type, target.items = "list", _part(schema.get("items", {}))
    elif "properties" in schema:
        target.type = "object"
        target.fields = {name: _part(part) for name, part in schema["properties"].items()}
        target.required = frozenset(schema.get("required", ()))
    elif isinstance(schema.get("additionalProperties"), dict):
        target.type, target.items = "map", _part(schema["additionalProperties"])
    elif kind == "string" and schema.get("format") == "date-time":
        target.type = "time"
    elif kind != "object":
        target.type = kind


def _read_extensions(target: Node, schema: Json) -> None:
    target.list_type = schema.get("x-kubernetes-list-type", target.list_type)
    target.keys = tuple(schema.get("x-kubernetes-list-map-keys", target.keys))
    target.merge_key = schema.get("x-kubernetes-patch-merge-key", target.merge_key)
    strategy = schema.get("x-kubernetes-patch-strategy", "")
    target.merges = target.merges or "merge" in strategy.split(",")
    target.retain_keys = target.retain_keys or "retainKeys" in strategy
    target.atomic = target.atomic or schema.get("x-kubernetes-map-type") == "atomic"


def _part(schema: Json) -> Node:
    """A field's node: the referenced type, with the field's own extensions laid over it."""
    reference = schema.get("$ref")
    if reference is None:
        made = Node("any")
        _describe(made, schema)
        return made
    base = node(reference.rsplit("/", 1)[1])
    if not any(key.startswith("x-kubernetes-") for key in schema):
        return base
    return _Overlay.of(base, schema)


class _Overlay:
    """Copies of a referenced type that carry a field's extensions, shared by equal extensions."""

    _made: dict[tuple[int, str], Node] = {}

    @classmethod
    def of(cls, base: Node, schema: Json) -> Node:
        extensions = {key: value for key, value in schema.items() if key.startswith("x-kubernetes-")}
        key = (id(base), repr(sorted(extensions.items())))
        found = cls._made.get(key)
        if found is None:
            found = cls._made[key] = Node(
                base.type,
                base.name,
                base.fields,
                base.items,
                base.list_type,
                base.keys,
                base.merge_key,
                base.merges,
                base.retain_keys,
                base.atomic,
                base.required,
                base.description,
            )
            _read_extensions(found, extensions)
        return found


@functools.cache
def _custom() -> Node:
    """A custom resource: checked metadata, everything else kept as given."""
    fields = {"apiVersion": Node("string"), "kind": Node("string"), "metadata": node(f"{META}.ObjectMeta")}
    return Node("object", "Custom", {**fields, "spec": ANY, "status": ANY})
