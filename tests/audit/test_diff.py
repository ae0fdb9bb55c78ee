"""Before and after, readable: what was added, removed, changed."""

from apps.audit.diff import Change, compare


def test_keys_are_added_removed_changed_or_the_same_and_differences_come_first() -> None:
    found = compare({"a": 1, "gone": "x", "kept": True}, {"a": 2, "kept": True, "new": [1, {"b": None}]})
    assert found == [
        Change("a", "changed", "1", "2"),
        Change("gone", "removed", "x", None),
        Change("new", "added", None, '[1, {"b": null}]'),
        Change("kept", "same", "true", "true"),
    ]


def test_nested_keys_are_paths() -> None:
    found = compare({"spec": {"replicas": 1, "image": "v"}}, {"spec": {"replicas": 3, "image": "v", "o": {}}})
    assert [(change.key, change.kind) for change in found] == [
        ("spec.o", "added"),
        ("spec.replicas", "changed"),
        ("spec.image", "same"),
    ]


def test_nothing_and_an_empty_value_are_not_the_same() -> None:
    assert [change.kind for change in compare({"a": None}, {"a": ""})] == ["changed"]
    assert [change.kind for change in compare({}, {"a": None})] == ["added"]
    assert compare({}, {}) == []
