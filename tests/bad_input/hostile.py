"""The corpus: text that means something to a browser, a shell, a template, a database or a file system."""

import re
from typing import Any

MARKUP = "<script>alert(1)</script>"
TEMPLATE = "{{7*7}}{% debug %}${7*7}"
SHELL = "'; rm -rf / #$(id)`id`"

TEXTS: dict[str, str] = {
    "markup": MARKUP,
    "attribute": '"\' onmouseover=alert(1) x="',
    "template": TEMPLATE,
    "placeholder": "${name}${labels.BUSINESS}",
    "shell": SHELL,
    "sql": "' OR 1=1; DROP TABLE accounts_user; --",
    "format": "%s%n%(name)s{0.__class__}",
    "path": "../../../../etc/passwd",
    "quoted path": "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "header": "a\r\nSet-Cookie: evil=1",
    "nul": "a\0b",
    "lone surrogate": "a\ud800b",
    "right to left": "\u202etxt.exe",
    "unicode digits": "١٢٣",
    "control": "\x1b[31m\x07\x7f",
    "long": "x" * 5_000,
    "yaml": "x\n---\nkind: Secret\n",
}

NUMBERS = (
    "-1",
    "-0",
    "0x10",
    "1e5",
    "1.5",
    "9" * 30,
    "9" * 5_000,
    "NaN",
    "Infinity",
    "١٢",
    "",
    " ",
    "one",
    "1 2",
)

PATH_PARTS = (
    "..", "%2e%2e", "%2e%2e%2fx", "%00", "a%00b", "%0d%0aX:%20y", "%3Cscript%3E", "%7B%7B7*7%7D%7D", "%ff",
    "-", "x" * 300, "%D9%A1", "%27%20OR%201=1", "A_B",
)  # fmt: skip
NUMBER_PARTS = (
    "-1",
    "0",
    "9" * 19,
    "9" * 30,
    "9" * 5_000,
    "1e5",
    "0x1",
    "%D9%A1",
    "%00",
    "..",
    "1;2",
    "%3Cb%3E",
)

INSIDES = (
    "Traceback",
    "psycopg",
    "django.",
    "site-packages",
    'File "',
    "Exception Value",
    "NoneType",
    "pydantic",
)

OF_TYPE: dict[str, tuple[Any, ...]] = {
    "string": ("text",),
    "boolean": (True,),
    "integer": (7, -7, 10**30),
    "number": (1.5, 1e308),
    "array": ([], ["x"], [[[]]]),
    "object": ({}, {"a": {"b": 1}}),
    "null": (None,),
}

NO_JSON: dict[str, bytes] = {
    "nothing": b"",
    "a brace": b"{",
    "no UTF-8": b"\xff\xfe{}",
    "words": b"replicas=3",
    "two values": b"{}{}",
    "not a number": b'{"replicas": NaN',
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "a text": b'"text"',
    "null": b"null",
    "a number": b"7",
    "markup": b"<script>alert(1)</script>",
}


def leaks(text: str) -> list[str]:
    """What an answer tells of our insides."""
    return [word for word in INSIDES if word in text]


def live_markup(text: str) -> list[str]:
    """Hostile markup of the corpus that stands in a page unescaped, or a template that was evaluated."""
    found = re.findall(r"<script>alert\(1\)|[\"'] onmouseover=alert", text)
    return found + ([TEMPLATE] if "49{% debug" in text or "49$" in text else [])
