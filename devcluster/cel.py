"""The part of CEL that admission policies commonly use, compiled to functions of the variables.

Literals, lists, fields and indexes, `! && || == != < <= > >= in + ?:`, `has()`, `size()`, `startsWith`,
`endsWith`, `contains` and `matches`. As in CEL, a missing field is an error, which `&&` and `||` forgive when
the other side decides. Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Scope = Mapping[str, Any]
Value = Callable[[Scope], Any]

TOKENS = re.compile(
    r"""\s*(?:(?P<number>\d+)|(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"""|(?P<name>[A-Za-z_]\w*)|(?P<sign>&&|\|\||[=!<>]=|[!<>()\[\].,?:+-]))"""
)
WORDS = {"true": True, "false": False, "null": None}
RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "in": lambda left, right: left in right,
}
METHODS: dict[str, Callable[[Any, Any], Any]] = {
    "startsWith": lambda text, part: text.startswith(part),
    "endsWith": lambda text, part: text.endswith(part),
    "contains": lambda text, part: part in text,
    "matches": lambda text, pattern: re.search(pattern, text) is not None,
}


class CelError(Exception):
    """An expression that cannot be read, or that has no value for these variables."""


def compiled(text: str) -> Value:
    """The expression as a function of its variables. CelError, also when it is called."""
    return _Parser(text).whole()


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while text[at:].strip():
        match = TOKENS.match(text, at)
        if match is None:
            raise CelError(f"Syntax error: token recognition error at: '{text[at:].strip()[:20]}'")
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return [*found, ("end", "")]


class _Parser:
    """By recursive descent: one method for each level of precedence, the weakest first."""

    def __init__(self, text: str) -> None:
        self.left = _tokens(text)

    def whole(self) -> Value:
        value = self.choice()
        self.expect("end", "")
        return value

    def take(self, *signs: str) -> str:
        """The next token if it is one of these; "" else."""
        kind, text = self.left[0]
        if kind in ("sign", "name") and text in signs:
            self.left.pop(0)
            return text
        return ""

    def expect(self, kind: str, text: str) -> None:
        if self.left[0] != (kind, text):
            raise CelError(f"Syntax error: mismatched input '{self.left[0][1]}' expecting '{text or kind}'")
        self.left.pop(0)

    def choice(self) -> Value:
        condition = self.either()
        if not self.take("?"):
            return condition
        yes = self.choice()
        self.expect("sign", ":")
        no = self.choice()
        return lambda scope: yes(scope) if condition(scope) else no(scope)

    def either(self) -> Value:
        value = self.both()
        while self.take("||"):
            value = _decided(value, self.both(), by=True)
        return value

    def both(self) -> Value:
        value = self.relation()
        while self.take("&&"):
            value = _decided(value, self.relation(), by=False)
        return value

    def relation(self) -> Value:
        value = self.sum()
        while sign := self.take(*RELATIONS):
            value = _applied(RELATIONS[sign], value, self.sum())
        return value

    def sum(self) -> Value:
        value = self.unary()
        while self.take("+"):
            value = _applied(lambda left, right: left + right, value, self.unary())
        return value

    def unary(self) -> Value:
        if self.take("!"):
            value = self.unary()
            return lambda scope: not value(scope)
        if self.take("-"):
            number = self.unary()
            return lambda scope: -number(scope)
        return self.member(self.primary())

    def member(self, value: Value) -> Value:
        while sign := self.take(".", "["):
            if sign == "[":
                value = _applied(_item, value, self.choice())
                self.expect("sign", "]")
                continue
            name = self.name()
            value = self.call(value, name) if self.take("(") else _field(value, name)
        return value

    def call(self, value: Value, name: str) -> Value:
        """A method; its bracket is open."""
        if name == "size":
            self.expect("sign", ")")
            return lambda scope: len(value(scope))
        if name not in METHODS:
            raise CelError(f"undeclared reference to '{name}'")
        argument = self.choice()
        self.expect("sign", ")")
        return _applied(METHODS[name], value, argument)

    def name(self) -> str:
        kind, text = self.left.pop(0)
        if kind != "name":
            raise CelError(f"Syntax error: mismatched input '{text}' expecting IDENTIFIER")
        return text

    def primary(self) -> Value:
        kind, text = self.left.pop(0)
        if kind == "number":
            return lambda scope: int(text)
        if kind == "text":
            return lambda scope: re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "name":
            return self.word(text)
        if text == "(":
            value = self.choice()
            self.expect("sign", ")")
            return value
        if text == "[":
            return self.items()
        raise CelError(f"Syntax error: mismatched input '{text}'")

    def word(self, name: str) -> Value:
        if name in WORDS:
            return lambda scope: WORDS[name]
        if name in ("has", "size") and self.take("("):
            value = self.choice()
            self.expect("sign", ")")
            return _there(value) if name == "has" else lambda scope: len(value(scope))
        return lambda scope: _variable(scope, name)

    def items(self) -> Value:
        values: list[Value] = []
        while not self.take("]"):
            values.append(self.choice())
            self.take(",")
        return lambda scope: [value(scope) for value in values]


def _variable(scope: Scope, name: str) -> Any:
    if name not in scope:
        raise CelError(f"undeclared reference to '{name}'")
    return scope[name]


def _field(value: Value, name: str) -> Value:
    return lambda scope: _item(value(scope), name)


def _item(holder: Any, key: Any) -> Any:
    try:
        return holder[key]
    except (KeyError, IndexError, TypeError):
        raise CelError(f"no such key: {key}") from None


def _there(value: Value) -> Value:
    def look(scope: Scope) -> bool:
        try:
            value(scope)
        except CelError:
            return False
        return True

    return look


def _applied(what: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
    def value(scope: Scope) -> Any:
        try:
            return what(left(scope), right(scope))
        except (TypeError, AttributeError):
            raise CelError("no such overload") from None

    return value


def _decided(left: Value, right: Value, *, by: bool) -> Value:
    """`||` (decided by true) or `&&` (by false): one side may fail when the other decides."""

    def value(scope: Scope) -> bool:
        try:
            if bool(left(scope)) is by:
                return by
        except CelError:
            if bool(right(scope)) is by:
                return by
            raise
        return bool(right(scope))

    return value
