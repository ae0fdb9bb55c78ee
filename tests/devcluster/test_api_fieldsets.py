"""Field ownership and patches in detail: keyed lists, given-up fields, orders, and what selectors mean."""

from __future__ import annotations

from typing import Any

import pytest

from devcluster import fieldsets, managed
from devcluster.errors import BadRequest, PatchRefused
from devcluster.managed import ApplyConflict, Writer
from devcluster.patches import json_patch, merge_patch, strategic_merge
from devcluster.resources import resource
from devcluster.schema import schema_of
from devcluster.selectors import label_predicate, parse_labels

Json = dict[str, Any]

DEPLOYMENT = schema_of(resource("deployments"))
POD = schema_of(resource("pods"))


def writer(name: str) -> Writer:
    return Writer(name, "apps/v1", "2026-01-01T00:00:00Z", operation="Apply")


def with_containers(*containers: Json) -> Json:
    return {"metadata": {"name": "d"}, "spec": {"template": {"spec": {"containers": list(containers)}}}}


def names(obj: Json) -> list[str]:
    return [item["name"] for item in obj["spec"]["template"]["spec"]["containers"]]


def test_a_set_of_fields_survives_its_encoding() -> None:
    paths = fieldsets.fields_of(
        DEPLOYMENT, with_containers({"name": "a", "env": [{"name": "E", "value": "1"}]})
    )
    assert fieldsets.decode(fieldsets.encode(paths)) == paths


def test_two_appliers_share_a_list_by_its_keys() -> None:
    one = managed.apply(
        DEPLOYMENT, None, with_containers({"name": "a", "image": "x"}), writer("one"), force=False
    )
    both = managed.apply(
        DEPLOYMENT, one, with_containers({"name": "b", "image": "y"}), writer("two"), force=False
    )
    assert names(both) == ["a", "b"]
    alone = managed.apply(DEPLOYMENT, both, {"metadata": {"name": "d"}}, writer("two"), force=False)
    assert names(alone) == ["a"]


def test_a_given_up_field_stays_while_another_owns_it() -> None:
    body = with_containers({"name": "a", "image": "x"})
    one = managed.apply(DEPLOYMENT, None, body, writer("one"), force=False)
    both = managed.apply(DEPLOYMENT, one, body, writer("two"), force=False)
    left = managed.apply(DEPLOYMENT, both, {"metadata": {"name": "d"}}, writer("two"), force=False)
    assert names(left) == ["a"]


def test_a_conflict_names_every_field_and_its_owner() -> None:
    one = managed.apply(
        DEPLOYMENT, None, with_containers({"name": "a", "image": "x"}), writer("one"), force=False
    )
    with pytest.raises(ApplyConflict) as conflict:
        managed.apply(
            DEPLOYMENT, one, with_containers({"name": "a", "image": "z"}), writer("two"), force=False
        )
    path = '.spec.template.spec.containers[name="a"].image'
    assert conflict.value.message == f'Apply failed with 1 conflict: conflict with "one": {path}'


def test_a_plain_write_takes_the_field_from_its_owner() -> None:
    old = {"metadata": {"name": "p", "labels": {"a": "1", "b": "1"}}}
    old["metadata"]["managedFields"] = managed.after_update(POD, None, old, Writer("first", "v1", "t"))
    new = {"metadata": {**old["metadata"], "labels": {"a": "2", "b": "1"}}}
    entries = managed.after_update(POD, old, new, Writer("second", "v1", "t"))
    owned = {entry["manager"]: entry["fieldsV1"]["f:metadata"]["f:labels"] for entry in entries}
    assert owned == {"first": {".": {}, "f:b": {}}, "second": {"f:a": {}}}


def test_a_strategic_patch_merges_by_name_and_obeys_its_order() -> None:
    live = with_containers({"name": "a", "image": "x"}, {"name": "b", "image": "y"})
    patch = {
        "spec": {
            "template": {
                "spec": {
                    "$setElementOrder/containers": [{"name": "b"}, {"name": "a"}],
                    "containers": [{"name": "a", "image": "z"}],
                }
            }
        }
    }
    merged = strategic_merge(DEPLOYMENT, live, patch)
    assert names(merged) == ["b", "a"]
    assert merged["spec"]["template"]["spec"]["containers"][1]["image"] == "z"


def test_retained_keys_drop_the_others() -> None:
    live = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic_merge(DEPLOYMENT, live, patch) == {"spec": {"strategy": {"type": "Recreate"}}}


def test_a_merge_patch_leaves_the_original_alone() -> None:
    live = {"a": {"b": 1, "c": 2}}
    assert merge_patch(live, {"a": {"b": None}}) == {"a": {"c": 2}}
    assert live == {"a": {"b": 1, "c": 2}}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a/b", "value": 2},
        {"op": "replace", "path": "/a/x", "value": 1},
        {"op": "remove", "path": "/a/x"},
        {"op": "add", "path": "/x/y", "value": 1},
        {"op": "add", "path": "/l/9", "value": 1},
        {"op": "add", "path": "no-slash", "value": 1},
        {"op": "jump", "path": "/a"},
        {"path": "/a"},
    ],
)
def test_a_json_patch_is_all_or_nothing(operation: Json) -> None:
    live = {"a": {"b": 1}, "l": [1]}
    with pytest.raises(PatchRefused):
        json_patch(live, [{"op": "add", "path": "/a/c", "value": 3}, operation])
    assert live == {"a": {"b": 1}, "l": [1]}


def test_a_json_patch_moves_copies_and_inserts() -> None:
    operations = [
        {"op": "move", "from": "/a", "path": "/z"},
        {"op": "copy", "from": "/z", "path": "/y"},
        {"op": "add", "path": "/l/-", "value": 3},
        {"op": "add", "path": "/l/0", "value": 0},
        {"op": "test", "path": "/none", "value": None},
    ]
    assert json_patch({"a": 1, "l": [1]}, operations) == {"z": 1, "y": 1, "l": [0, 1, 3]}


@pytest.mark.parametrize(
    ("text", "matching"),
    [
        ("", {"one", "two", "none"}),
        ("b=1", {"one"}),
        ("b!=1", {"two", "none"}),
        ("b in (1, 2)", {"one", "two"}),
        ("b notin (1)", {"two", "none"}),
        ("!b", {"none"}),
        ("b", {"one", "two"}),
        ("b,b!=2", {"one"}),
        ("b>1", {"two"}),
        ("b==", set()),
        ("b in ()", set()),
    ],
)
def test_a_label_selector_selects(text: str, matching: set[str]) -> None:
    labels: dict[str, dict[str, str]] = {"one": {"b": "1"}, "two": {"b": "2"}, "none": {}}
    test = label_predicate(text)
    assert {name for name, values in labels.items() if test({"metadata": {"labels": values}})} == matching


@pytest.mark.parametrize("text", ["===", "a in", "a in (b", "a b", "!", ",", "a in b", "(", "-x=1"])
def test_a_selector_that_does_not_parse_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_labels(text)
