"""Topic names fit every layer and do not collide."""

import re

from apps.live import topics

VALID = re.compile(r"[A-Za-z0-9._-]{1,99}")


def test_names_are_valid_whatever_kubernetes_allows() -> None:
    long = "x" * 253
    names = [
        topics.kind(1, "pods"),
        topics.object(1, "pods", long, long),
        topics.object(1, "nodes", "", "ip-10-0-0-1.ec2.internal"),
        topics.object(1, "pods", "ü*?[", "a b"),
        topics.pool(1, long, long),
        topics.access(7),
        topics.audit(),
    ]
    assert all(VALID.fullmatch(name) for name in names)
    assert len(set(names)) == len(names)


def test_long_names_that_begin_alike_stay_apart() -> None:
    assert topics.object(1, "pods", "a", "x" * 200 + "1") != topics.object(1, "pods", "a", "x" * 200 + "2")


def test_an_objects_followers_hear_when_very_many_change_at_once() -> None:
    assert topics.sources_of(topics.object(3, "pods", "default", "web-1"))[1] == topics.many(3, "pods")
    assert topics.sources_of(topics.object(3, "pods", "d" * 100, "web-1"))[1] == topics.many(3, "pods")
    assert topics.sources_of(topics.kind(3, "pods")) == (topics.kind(3, "pods"),)
