"""Answers: JSON with upstream's headers, Status objects for errors, and what the client would accept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from devcluster.api.request import Request
from devcluster.errors import ApiError, NotAcceptable

Json = dict[str, Any]

JSON_TYPE = b"application/json"
CHUNK = 512 * 1024


@dataclass(frozen=True)
class Accepted:
    """The form of an answer: `table`, `metadata` or `json`; `version` is meta.k8s.io's."""

    form: str = "json"
    version: str = "v1"


FORMS = {"Table": "table", "PartialObjectMetadata": "metadata", "PartialObjectMetadataList": "metadata"}
PLAIN = ("application/json", "*/*", "application/*", "")


def accepted(header: str) -> Accepted:
    """The first form in an Accept header that can be given; NotAcceptable."""
    for entry in header.split(","):
        media, *options = [part.strip() for part in entry.split(";")]
        named = dict(option.partition("=")[::2] for option in options)
        if media not in PLAIN:
            continue
        if "as" not in named:
            return Accepted()
        if named["as"] in FORMS and named.get("g") == "meta.k8s.io" and named.get("v") in ("v1", "v1beta1"):
            return Accepted(FORMS[named["as"]], named["v"])
    raise NotAcceptable


async def send_bytes(
    request: Request,
    status: int,
    pieces: Iterable[bytes],
    media: bytes = JSON_TYPE,
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """A whole answer; big ones go out in chunks so that a slow client does not hold everything in memory."""
    sent = [(b"content-type", media), (b"cache-control", b"no-cache, private"), *headers]
    sent += [(b"warning", f'299 - "{_escaped(text)}"'.encode()) for text in request.warnings]
    await request.send({"type": "http.response.start", "status": status, "headers": sent})
    buffer: list[bytes] = []
    size = 0
    for piece in pieces:
        buffer.append(piece)
        size += len(piece)
        if size >= CHUNK:
            await request.send({"type": "http.response.body", "body": b"".join(buffer), "more_body": True})
            buffer, size = [], 0
    await request.send({"type": "http.response.body", "body": b"".join(buffer)})


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


async def send_json(request: Request, status: int, body: Any) -> None:
    await send_bytes(request, status, [orjson.dumps(body) + b"\n"])


async def send_text(request: Request, status: int, text: str) -> None:
    await send_bytes(request, status, [text.encode()], b"text/plain; charset=utf-8")


async def send_error(request: Request, error: ApiError) -> None:
    """The error's Status, with Retry-After where it names seconds."""
    headers = []
    if seconds := (error.details or {}).get("retryAfterSeconds"):
        headers.append((b"retry-after", str(seconds).encode()))
    await send_bytes(request, error.code, [orjson.dumps(error.to_status()) + b"\n"], headers=headers)


def success(details: Json | None = None, code: int = 0) -> Json:
    """A Status that says all went well."""
    body: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    if details:
        body["details"] = details
    return {**body, "code": code} if code else body


def partial(obj: Json, version: str = "v1") -> Json:
    """PartialObjectMetadata of an object."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": obj["metadata"],
    }
