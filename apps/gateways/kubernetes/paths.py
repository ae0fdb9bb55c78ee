"""Paths behind a pod or service proxy: what a person may ask of a model server, and nothing beside it.

An API server's proxy cleans paths, decodes them and hands them on; the server behind may decode them again.
So a path is looked at raw and after each decoding, and is then written anew from its checked segments.
"""

from typing import Final
from urllib.parse import quote, unquote_to_bytes

from apps.gateways.errors import Invalid

MAX_PATH: Final = 2048
_DECODINGS: Final = 4


def safe_path(path: str) -> str:
    """Return `path` without leading slash, every segment quoted; raises Invalid for any trick."""
    text = path.removeprefix("/")
    if len(text) > MAX_PATH:
        raise Invalid("The path is too long.")
    if not text:
        return ""
    if not text.isascii() or any(character in "?#" or not "!" <= character <= "~" for character in text):
        raise Invalid("The path has characters that must be written as %xx, or that belong to a query.")
    *inner, last = text.split("/")
    if not all(inner):
        raise Invalid("The path has an empty part.")
    return "/".join(_segment(part) if part else "" for part in [*inner, last])


def _segment(part: str) -> str:
    """One segment, decoded once and quoted again."""
    decoded = _decode(part)
    deeper = decoded
    for _ in range(_DECODINGS):
        _check(deeper)
        following = _decode(deeper)
        if following == deeper:
            return quote(decoded, safe="-._~:@!$&'()*+,;=")
        deeper = following
    raise Invalid("The path is encoded too often.")


def _decode(part: str) -> str:
    try:
        return unquote_to_bytes(part).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Invalid("The path is not UTF-8.") from error


def _check(part: str) -> None:
    if any(character in "/\\" or character < " " or "\x7f" <= character <= "\x9f" for character in part):
        raise Invalid("The path has a hidden separator or a control character.")
    bare = part.partition(";")[0].strip()
    if part and not bare.strip(". "):
        raise Invalid("The path must not step up (“..”).")
    if "://" in part or part.lower().startswith(("http:", "https:", "file:")):
        raise Invalid("The path must not be an address.")
