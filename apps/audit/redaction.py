"""What must never be written down: values whose key says that they are secret."""

import re
from collections.abc import Mapping
from typing import Any

SECRET_KEY = re.compile(
    r"token|passw(or)?d|secret|credential|api_?key|private_?key|access_?key|key_?data|kubeconfig|authorization|cookie",
    re.IGNORECASE,
)
# What counts or splits tokens of text is no secret: max_tokens, maxNewTokens, tokens_per_second, tokenizer.
_COUNTED = "max|min|num|total|prompt|completion|input|output|batched|cached|generated|stop|skip"
TOKENS_OF_TEXT = re.compile(
    rf"(?:{_COUNTED})[_-]?(?:(?:{_COUNTED}|new)[_-]?)*token(?:s|[_-]?(?:count|ids?|details))"
    r"|tokens?[_-]?(?:per|count|limit|rate|budget)|tokeni[sz](?:er|ed|ation)",
    re.IGNORECASE,
)
SECRET_TEXT = re.compile(
    r"\bhf_[A-Za-z0-9]{8,}|\bhpp_[\w-]{20,}|\bAKIA[0-9A-Z]{16}\b|(?<=[Bb]earer )[\w.~+/=-]{8,}"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
SECRET_OPTION = re.compile(
    r"(--[\w-]*(?:token|password|secret|api-key)(?:=|\s+)|\b[A-Z_]*(?:TOKEN|PASSWORD|SECRET|API_KEY)=)(\"[^\"]*\"|'[^']*'|\S+)"
)
HIDDEN = "[hidden]"
LONGEST_TEXT = 4000


def is_secret(key: str) -> bool:
    """Whether what stands under this key must not be shown."""
    return bool(SECRET_KEY.search(TOKENS_OF_TEXT.sub("", key)))


def redact(value: Any) -> Any:
    """The value as JSON can carry it, with secrets hidden, NUL bytes gone (Postgres refuses them) and long
    text cut.
    """
    if isinstance(value, Mapping):
        return {
            str(key): HIDDEN if item and is_secret(str(key)) else redact(item) for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return clean(str(value))


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    """Text that Postgres takes, at most `longest` characters, without what looks like a secret."""
    text = SECRET_OPTION.sub(rf"\1{HIDDEN}", SECRET_TEXT.sub(HIDDEN, text.replace("\x00", "")))
    return text if len(text) <= longest else text[: longest - 1] + "…"
