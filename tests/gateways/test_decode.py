"""Typed decoding of lists and watch lines."""

import json

import msgspec
import pytest

from apps.gateways.decode import decode_event, decode_list, list_meta
from apps.gateways.errors import ServerError


class Meta(msgspec.Struct):
    name: str = ""
    resource_version: str = msgspec.field(default="", name="resourceVersion")


class Pod(msgspec.Struct):
    metadata: Meta = msgspec.field(default_factory=Meta)


def test_a_page_of_needed_fields() -> None:
    body = json.dumps({
        "kind": "PodList",
        "metadata": {"resourceVersion": "7", "continue": "c", "remainingItemCount": 3},
        "items": [{"metadata": {"name": "a", "labels": {"x": "y"}}, "spec": {"deep": [1, {}]}}],
    }).encode()  # fmt: skip
    page = decode_list(body, Pod)
    assert [pod.metadata.name for pod in page.items or []] == ["a"]
    assert list_meta(body) == page.metadata
    assert (page.metadata.resource_version, page.metadata.continue_, page.metadata.remaining) == ("7", "c", 3)


def test_null_items_are_an_empty_list() -> None:
    assert not decode_list(b'{"metadata":{},"items":null}', Pod).items


def test_events_and_bookmarks() -> None:
    event = decode_event(b'{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"9"}}}', Pod)
    assert (event.type, event.object.metadata.name) == ("ADDED", "a")
    mark = decode_event(b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"12"}}}', Pod)
    assert mark.object.metadata.resource_version == "12"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"metadata": 1}', b'{"items": {}}', b"\xff"])
def test_what_is_no_list_is_an_error_of_the_server(body: bytes) -> None:
    with pytest.raises(ServerError):
        decode_list(body, Pod)
    with pytest.raises(ServerError):
        decode_event(body, Pod)
