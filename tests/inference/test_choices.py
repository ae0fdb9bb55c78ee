"""What the pods page offers to filter by: kept while the mirror stands still, renewed when it moves."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.inference.selectors import pods
from apps.live import mirror
from apps.live.rows import Event, Row


def pod(name: str, version: int, node: str) -> Row:
    data = {"state": "Running", "node": node, "business": ""}
    return Row("default", name, f"uid-{name}", version, {"app": "qwen"}, data)


@pytest.mark.django_db
def test_choices_follow_the_mirror_and_are_asked_once_while_it_stands_still() -> None:
    mirror.replace(71, "pods", [pod("a", 1, "node-1")], 1)
    assert pods.choices(71)["node"] == ["node-1"]
    mirror.apply(71, "pods", [Event(pod("b", 2, "node-2"))])
    assert pods.choices(71)["node"] == ["node-1", "node-2"]
    with CaptureQueriesContext(connection) as asked:
        assert pods.choices(71)["app"] == ["qwen"]
    assert len(asked) == 1
    mirror.replace(71, "pods", [pod("b", 2, "node-2")], 2)
    assert pods.choices(71)["node"] == ["node-2"]
