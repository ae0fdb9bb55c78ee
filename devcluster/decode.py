"""Bodies become typed objects: wrong types are 400, unknown fields dropped and named, nulls absent."""

from __future__ import annotations

import re
from typing import Any

import orjson
import yaml

from devcluster.errors import BadRequest
from devcluster.schema import Node

Json = dict[str, Any]

GO_NAMES = {
    "string": "string",
    "integer": "int32",
    "number": "float64",
    "boolean": "bool",
    "time": "v1.Time",
    "quantity": "resource.Quantity",
    "intorstring": "intstr.IntOrString",
}
# Go fields without omitempty, or pointers: an empty text here says something and is kept.
KEPT_EMPTY = frozenset({"storageClassName", "name", "deletionTimestamp", "nodeName", "message", "key"})
TIME = re.compile(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


class Decoder:
    """One body's way through its schema; `unknown` collects the paths of fields the schema lacks."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.unknown: list[str] = []

    def object(self, node: Node, value: Any, path: str = "") -> Json:
        """A clean copy; BadRequest with upstream's words for a wrong type."""
        if not isinstance(value, dict):
            raise self._wrong(value, node, path)
        result: Json = {}
        for name, item in value.items():
            if name not in node.fields:
                if item is not None or name not in node.fields:
                    self.unknown.append(f"{path}.{name}".lstrip("."))
                continue
            child = node.fields[name]
            kept = self._value(child, item, f"{path}.{name}".lstrip("."), node.name or "")
            if not _absent(child, kept, name, name in node.required):
                result[name] = kept
        return result

    def _value(self, node: Node, value: Any, path: str, owner: str = "") -> Any:
        if value is None or node.type == "any":
            return value
        if node.type == "object":
            return self.object(node, value, path)
        if node.type == "map":
            return self._map(node, value, path, owner)
        if node.type == "list":
            return self._list(node, value, path, owner)
        return self._scalar(node, value, path, owner)

    def _map(self, node: Node, value: Any, path: str, owner: str) -> Json:
        if not isinstance(value, dict) or node.items is None:
            raise self._wrong(value, node, path, owner)
        items = {name: self._value(node.items, item, path, owner) for name, item in value.items()}
        empty = "" if node.items.type == "string" else None
        return {name: empty if item is None else item for name, item in items.items()}

    def _list(self, node: Node, value: Any, path: str, owner: str) -> list[Any]:
        if not isinstance(value, list) or node.items is None:
            raise self._wrong(value, node, path, owner)
        return [self._value(node.items, item, f"{path}[{index}]", owner) for index, item in enumerate(value)]

    def _scalar(self, node: Node, value: Any, path: str, owner: str) -> Any:
        if node.type == "quantity" and isinstance(value, int | float | str) and not isinstance(value, bool):
            return str(value)
        if node.type == "intorstring" and isinstance(value, int | str) and not isinstance(value, bool):
            return value
        if node.type == "string" and isinstance(value, str):
            return value
        if node.type == "time" and isinstance(value, str):
            return self._time(value)
        if node.type == "boolean" and isinstance(value, bool):
            return value
        if node.type == "integer" and _whole(value):
            return int(value)
        if node.type == "number" and isinstance(value, int | float) and not isinstance(value, bool):
            return value
        raise self._wrong(value, node, path, owner)

    def _time(self, value: str) -> str:
        if not TIME.fullmatch(value):
            why = f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse "{value}" as "2006"'
            raise BadRequest(f"{self.what}: {why}")
        return value

    def _wrong(self, value: Any, node: Node, path: str, owner: str = "") -> BadRequest:
        where = f"{owner}.{_without_indexes(path)}" if owner else _without_indexes(path)
        found = _json_name(value)
        wanted = _go_name(node)
        into = f"Go struct field {where}" if where else "Go value"
        return BadRequest(f"{self.what}: json: cannot unmarshal {found} into {into} of type {wanted}")


def _whole(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return (isinstance(value, int) and -(2**63) <= value < 2**63) or (
        isinstance(value, float) and value.is_integer()
    )


def _absent(node: Node, value: Any, name: str, required: bool) -> bool:
    """Whether Go's encoder would leave the field out (omitempty)."""
    if value is None:
        return True
    if required:
        return False
    if node.type in ("list", "map"):
        return not value
    return node.type == "string" and value == "" and name not in KEPT_EMPTY


def _without_indexes(path: str) -> str:
    return ".".join(part.split("[")[0] for part in path.split("."))


def _json_name(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number" if not isinstance(value, float) else f"number {value}"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _go_name(node: Node) -> str:
    if node.type == "list" and node.items is not None:
        return f"[]{_go_name(node.items)}"
    if node.type == "map" and node.items is not None:
        return f"map[string]{_go_name(node.items)}"
    return GO_NAMES.get(node.type) or f"v1.{node.name}"


class _Yaml(yaml.SafeLoader):
    """YAML as Go reads it: a time stays text."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def load(body: bytes, media_type: str) -> Any:
    """JSON, or YAML where the media type says so; JSON is tried first as clients send it as YAML too."""
    if "yaml" not in media_type or body.lstrip()[:1] == b"{":
        return orjson.loads(body)
    return yaml.load(body, Loader=_Yaml)  # noqa: S506 - a SafeLoader with one resolver fewer


def parse(body: bytes, media_type: str, kind: str) -> Any:
    """JSON or YAML text to Python values; BadRequest when it is neither."""
    try:
        return load(body, media_type)
    except (yaml.YAMLError, orjson.JSONDecodeError, UnicodeDecodeError, ValueError) as error:
        text = body[:200].decode("utf-8", "replace")
        raise BadRequest(
            f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; "
            f"json parse error: {_go_words(error, body)} ({text})"
        ) from error


def _go_words(error: Exception, body: bytes) -> str:
    if not body.strip() or getattr(error, "pos", 0) >= len(body.rstrip()) - 1:
        return "unexpected end of JSON input"
    position = min(getattr(error, "pos", 0), len(body) - 1)
    return f"invalid character '{chr(body[position])}' looking for beginning of value"
