"""From raw LIST bodies and watch lines to msgspec structs that name only the fields needed.

Decoding 5,000 pods into dicts takes about a second; into a struct of a few fields about a tenth of it.
"""

from typing import Any, Generic, TypeVar, cast

import msgspec

from apps.gateways.errors import ServerError

T = TypeVar("T")


class ListMeta(msgspec.Struct):
    """Metadata of a list: its revision, and the token of the next page ("" on the last)."""

    resource_version: str = msgspec.field(default="", name="resourceVersion")
    continue_: str = msgspec.field(default="", name="continue")
    remaining: int | None = msgspec.field(default=None, name="remainingItemCount")


class Page(msgspec.Struct, Generic[T]):
    """One LIST body."""

    metadata: ListMeta = msgspec.field(default_factory=ListMeta)
    items: list[T] | None = None


class Event(msgspec.Struct, Generic[T]):
    """One watch line: `type` is ADDED, MODIFIED, DELETED or BOOKMARK (whose object has only metadata)."""

    type: str
    object: T


class _Head(msgspec.Struct):
    metadata: ListMeta = msgspec.field(default_factory=ListMeta)


_HEAD = msgspec.json.Decoder(_Head)


def list_meta(body: bytes) -> ListMeta:
    """Only the metadata of a LIST body. Raises ServerError when it is no list."""
    try:
        return _HEAD.decode(body).metadata
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ServerError("The server did not answer with a list. Is it a Kubernetes API server?") from error


def decode_list(body: bytes, item: type[T]) -> Page[T]:
    """A LIST body as `Page[item]`. Raises ServerError when an object does not fit the struct."""
    try:
        return cast(Page[T], _decoder(Page, item).decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ServerError(f"The cluster's list does not fit {item.__name__}: {error}") from error


def decode_event(line: bytes, item: type[T]) -> Event[T]:
    """A watch line as `Event[item]`. Give each field of `item` a default: bookmarks are almost empty."""
    try:
        return cast(Event[T], _decoder(Event, item).decode(line))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ServerError(f"The cluster's event does not fit {item.__name__}: {error}") from error


_DECODERS: dict[tuple[Any, Any], msgspec.json.Decoder[Any]] = {}


def _decoder(shape: Any, item: Any) -> msgspec.json.Decoder[Any]:
    """Kept per struct: making one costs more than decoding a small page."""
    found = _DECODERS.get((shape, item))
    if found is None:
        found = _DECODERS[shape, item] = msgspec.json.Decoder(shape[item])
    return found
