"""Paths behind the proxy: what passes, and the tricks that do not."""

import pytest

from apps.gateways.errors import Invalid
from apps.gateways.kubernetes.paths import safe_path
from apps.gateways.kubernetes.proxy import _valid_port
from apps.gateways.kubernetes.resources import resource, segment

GOOD = {
    "": "",
    "/": "",
    "v1/models": "v1/models",
    "/v1/chat/completions": "v1/chat/completions",
    "v1/models/": "v1/models/",
    "health": "health",
    "a%20b": "a%20b",
    "a+b": "a+b",
    "a%25b": "a%25b",
    "100%25": "100%25",
    "v1/files/report.v2..final": "v1/files/report.v2..final",
    ".well-known/x": ".well-known/x",
    "caf%C3%A9": "caf%C3%A9",
    "user@host:8000": "user@host:8000",
    "a=b;c=d": "a=b;c=d",
    "~me": "~me",
    "a%3Fb": "a%3Fb",
    "a%23b": "a%23b",
}
BAD = [
    "..",
    "../x",
    "v1/../../secrets",
    "v1/..",
    ".",
    "v1/./x",
    "%2e%2e/x",
    "%2E%2E/x",
    ".%2e/x",
    "%2e./x",
    "%2e/x",
    "%252e%252e/x",
    "%25252e%25252e/x",
    "%2525252525252e/x",
    "..%2fx",
    "..%2Fx",
    "a%2f..%2fb",
    "a%2Fb",
    "a%252fb",
    "..%5cx",
    "..\\x",
    "a\\b",
    "a%5cb",
    "a%255cb",
    "..;/x",
    "..;a=b/x",
    "%2e%2e;/x",
    "..%3b/x",
    ".. /x",
    "..%20/x",
    "%20../x",
    "...",
    "..%00/x",
    "a%00b",
    "a\0b",
    "a%0d%0aX: y",
    "a\r\nb",
    "a%09b",
    "a\tb",
    "a b",
    "a%7fb",
    "a%c2%85b",
    "%c0%ae%c0%ae/x",
    "%e0%80%ae%e0%80%ae/x",
    "%ff",
    "//evil.example/x",
    "///x",
    "a//b",
    "//",
    "http://evil.example",
    "/http://evil.example",
    "http:%2f%2fevil",
    "https:evil",
    "FILE:x",
    "a?b=c",
    "a#b",
    "ä",
    "．．/x",
    "x" * 2049,
]


@pytest.mark.parametrize(("path", "expected"), GOOD.items())
def test_paths_that_pass(path: str, expected: str) -> None:
    assert safe_path(path) == expected
    assert safe_path(expected) == expected


@pytest.mark.parametrize("path", BAD)
def test_paths_that_are_refused(path: str) -> None:
    with pytest.raises(Invalid):
        safe_path(path)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a%2fb", "../x", "a\\b", "a\0", "x" * 254])
def test_names_that_are_no_path_segment(name: str) -> None:
    with pytest.raises(Invalid):
        segment(name)


def test_odd_names_are_quoted() -> None:
    assert resource("pods").path("team", "a b?c#d") == "/api/v1/namespaces/team/pods/a%20b%3Fc%23d"
    assert resource("deployments").path("", "x", "scale") == "/apis/apps/v1/deployments/x/scale"


def test_ports() -> None:
    assert all(map(_valid_port, [1, 8000, 65535, "8000", "http", "a-1"]))
    assert not any(
        map(_valid_port, [0, 65536, -1, "", "80/x", "80:90", "http:", "..", "٣", "a" * 16, "1" * 99])
    )


def test_an_unknown_kind_is_refused() -> None:
    for word in ("widgets", "pods/log", "../pods", ""):
        with pytest.raises(Invalid):
            resource(word)
