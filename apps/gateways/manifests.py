"""Kubernetes manifests from `k8s_templates/`, filled after parsing, so that no value can become structure.

A template is YAML. Its first document declares the parameters, the others are manifests:

    name: label                    # a required parameter and its type
    secret: text?                  # may be left out or None
    port: integer = 8000           # has a default
    ---
    metadata: {name: "${name}"}

A placeholder is a whole scalar, `${name}`, and becomes the value with its type. `${labels.BUSINESS}`, as a
key too, is the constant of `labels.py`. What becomes None is left out. What stands under `$when ${secret}:`
belongs to the mapping around it, unless the value is None, false or empty; a mapping that is nothing else is
left out then. A list given for a list's item is spliced in.
"""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml

from apps.gateways import labels
from apps.gateways.errors import FieldCause, Invalid

FOLDER: Final = labels.TEMPLATES
_TEMPLATE: Final = re.compile(r"[a-z][a-z0-9_]*")
_PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_.]*)\}")
_DECLARATION: Final = re.compile(r"(?P<type>[a-z]+)(?P<optional>\?)?(?:\s*=\s*(?P<default>.*))?")
_WHEN: Final = re.compile(r"\$when \$\{([a-z_][a-z0-9_]*)\}")
_ABSENT: Final = object()


@dataclass(frozen=True)
class Parameter:
    """One declared parameter; `default` is only meaningful when it is not `required`."""

    name: str
    type: str
    optional: bool
    required: bool
    default: Any = None


@dataclass(frozen=True)
class Template:
    """A parsed template: its parameters and its documents with placeholders."""

    name: str
    parameters: dict[str, Parameter]
    documents: list[dict[str, Any]]


def render(template: str, **parameters: object) -> list[dict[str, Any]]:
    """Fill `k8s_templates/<template>.yaml`.

    Raises Invalid, with a cause per parameter, for a parameter that is missing, unknown or of another type.
    """
    source = load(template)
    values = _values(source, parameters)
    return [_fill(document, values) for document in source.documents]


def parameters(template: str) -> dict[str, Parameter]:
    """What a template takes, by name."""
    return dict(load(template).parameters)


def templates() -> list[str]:
    """The names of all templates."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def load(template: str) -> Template:
    """Read and check a template. Raises Invalid for an unknown name, ValueError for a faulty template."""
    path = FOLDER / f"{template}.yaml"
    if not _TEMPLATE.fullmatch(template) or not path.is_file():
        raise Invalid(f"There is no template named “{template[:80]}”.")
    return parse(template, path.read_text())


def parse(name: str, text: str) -> Template:
    """A template from its text. Raises ValueError when it is faulty."""
    declared, *documents = yaml.safe_load_all(text)
    found = {key: _declaration(key, words) for key, words in declared.items()}
    used = {word for word in _placeholders(documents) if not word.startswith("labels.")}
    if used != set(found):
        raise ValueError(f"{name}: declared and used parameters differ: {sorted(used ^ set(found))}")
    return Template(name, found, documents)


def _declaration(name: str, words: object) -> Parameter:
    match = _DECLARATION.fullmatch(str(words))
    if match is None or match["type"] not in _TYPES:
        raise ValueError(f"{name}: “{words}” declares no parameter")
    optional = bool(match["optional"])
    default = None if match["default"] is None else yaml.safe_load(match["default"])
    return Parameter(name, match["type"], optional, not optional and match["default"] is None, default)


def _placeholders(node: object) -> Iterator[str]:
    """Every placeholder's word; a `${` that is only a part of a scalar is a fault."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _placeholders(key)
            yield from _placeholders(value)
    elif isinstance(node, list):
        for item in node:
            yield from _placeholders(item)
    elif isinstance(node, str) and "${" in node:
        match = _WHEN.fullmatch(node) or _PLACEHOLDER.fullmatch(node)
        if match is None:
            raise ValueError(f"a placeholder must be a whole scalar: {node}")
        yield match[1]


def _values(source: Template, given: dict[str, object]) -> dict[str, Any]:
    """The checked values of all parameters."""
    problems = [FieldCause(name, "is not a parameter") for name in given if name not in source.parameters]
    values: dict[str, Any] = {}
    for name, parameter in source.parameters.items():
        value = given.get(name, _ABSENT)
        if value is _ABSENT and parameter.required:
            problems.append(FieldCause(name, "is missing"))
            continue
        value = parameter.default if value is _ABSENT else value
        if value is None and parameter.optional:
            values[name] = None
            continue
        try:
            values[name] = _TYPES[parameter.type](value)
        except ValueError as error:
            problems.append(FieldCause(name, str(error)))
    if problems:
        words = "; ".join(f"{cause.field}: {cause.message}" for cause in problems)
        raise Invalid(f"The manifest cannot be made. {words}", causes=problems)
    return values


def _fill(node: Any, values: dict[str, Any]) -> Any:
    """A copy of a node with values in it; values are never looked into again."""
    if isinstance(node, dict):
        return _fill_mapping(node, values)
    if isinstance(node, list):
        return _fill_list(node, values)
    match = _PLACEHOLDER.fullmatch(node) if isinstance(node, str) else None
    if match is None:
        return node
    word = match[1]
    if word.startswith("labels."):
        return getattr(labels, word.removeprefix("labels."))
    return deepcopy(values[word])


def _fill_mapping(node: dict[Any, Any], values: dict[str, Any]) -> dict[Any, Any] | None:
    filled: dict[Any, Any] = {}
    only_conditions = bool(node)
    for key, inner in node.items():
        condition = _WHEN.fullmatch(str(key))
        only_conditions = only_conditions and condition is not None
        if condition is None:
            filled[_fill(key, values)] = _fill(inner, values)
        elif values[condition[1]]:
            filled.update(_fill_mapping(inner, values) or {})
    kept = {key: value for key, value in filled.items() if value is not None}
    return None if only_conditions and not kept else kept


def _fill_list(node: list[Any], values: dict[str, Any]) -> list[Any]:
    filled: list[Any] = []
    for item in node:
        value = _fill(item, values)
        if isinstance(item, str) and isinstance(value, list):
            filled += value
        elif value is not None:
            filled.append(value)
    return filled


def _text(value: object) -> str:
    """Any text but NUL, which no container's argument can hold."""
    if not isinstance(value, str):
        raise ValueError("must be text")
    if "\0" in value:
        raise ValueError("must not hold a NUL character")
    return str(value)


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a whole number")
    if not 0 <= value < 2**31:
        raise ValueError("must be between 0 and 2147483647")
    return int(value)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _texts(value: object) -> list[str]:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of texts")
    return [_text(item) for item in value]


def literal(text: str) -> str:
    """Text that a kubelet leaves as it was: `$(NAME)` would be filled in, and `$$` would become `$`."""
    return re.sub(r"\$(?=[$(])", "$$", text)


def from_literal(text: str) -> str:
    """The text as the container gets it: the reverse of `literal`."""
    return re.sub(r"\$\$", "$", text)


def _arguments(value: object) -> list[str]:
    """A container's command, to arrive exactly as given."""
    return [literal(item) for item in _texts(value)]


def _mapping(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError("must be a mapping of texts")
    return {_text(key): _text(item) for key, item in value.items()}


def _environment(value: object) -> list[dict[str, str]]:
    """Environment variables {name: value} as a container lists them."""
    return [{"name": name, "value": literal(text)} for name, text in _mapping(value).items()]


def _quantity(value: object) -> str:
    """4, "500m", "16Gi": a Kubernetes quantity as text."""
    words = str(_integer(value)) if isinstance(value, int) else _text(value)
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?([kMGTPE]|[KMGTPE]i|m)?", words):
        raise ValueError("must be a quantity such as 4, 500m or 16Gi")
    return words


def _scheme(value: object) -> str:
    if value not in ("internal", "internet-facing"):
        raise ValueError("must be internal or internet-facing")
    return str(value)


def _checked(problem: Callable[[str], str]) -> Callable[[object], str]:
    def check(value: object) -> str:
        words = _text(value)
        if found := problem(words):
            raise ValueError(found)
        return words

    return check


_TYPES: Final[dict[str, Callable[[object], Any]]] = {
    "text": _text,
    "texts": _texts,
    "arguments": _arguments,
    "integer": _integer,
    "boolean": _boolean,
    "mapping": _mapping,
    "environment": _environment,
    "quantity": _quantity,
    "scheme": _scheme,
    "name": _checked(labels.name_problem),
    "label": _checked(labels.label_value_problem),
    "business": _checked(labels.business_problem),
}
