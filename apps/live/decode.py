"""From the wire to rows: one page or one watch line at a time, so that no raw body is kept."""

from functools import cache
from typing import Any

import msgspec

from apps.gateways.decode import decode_list
from apps.gateways.errors import ServerError
from apps.live.kinds import Kind
from apps.live.rows import Event, Row


class _Metadata(msgspec.Struct):
    resourceVersion: str = ""


class _Bookmark(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


_LINE = msgspec.json.Decoder(_Line)
_BOOKMARK = msgspec.json.Decoder(_Bookmark)


def rows_of_page(body: bytes, kind: Kind) -> tuple[list[Row], str]:
    """The rows of one LIST body, and the list's resourceVersion. ServerError when it is none."""
    page = decode_list(body, kind.struct)
    return [row_of(item, kind) for item in page.items or ()], page.metadata.resource_version


def event_of_line(line: bytes, kind: Kind) -> tuple[Event | None, str]:
    """What one watch line says (None for a bookmark), and the resourceVersion that it reaches."""
    try:
        head = _LINE.decode(line)
        if head.type == "BOOKMARK":
            return None, _BOOKMARK.decode(head.object).metadata.resourceVersion
        row = row_of(_decoder(kind.struct).decode(head.object), kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ServerError(f"The cluster's event does not fit {kind.name}: {error}") from error
    return Event(row, deleted=head.type == "DELETED"), str(row.resource_version)


def row_of(item: Any, kind: Kind) -> Row:
    """One decoded object as a row. ServerError when its resourceVersion is no number."""
    meta = item.metadata
    if not meta.resourceVersion.isdigit():
        raise ServerError(f"{kind.name} {meta.name} has the resourceVersion {meta.resourceVersion!r}.")
    return Row(
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        resource_version=int(meta.resourceVersion),
        labels=meta.labels or {},
        data=kind.project(item),
        created_at=meta.creationTimestamp,
    )


@cache
def _decoder(struct: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(struct)
