"""The deploy form: what it takes, what it refuses, and beside which field it says so."""

from typing import Any

import pytest

from apps.clusters.models import Cluster
from apps.inference.forms import DeployForm
from apps.inference.statuses import Access, Kind
from tests.inference.mirrored import Mirrored

COMMAND = "vllm serve Qwen/Qwen3-0.6B --tensor-parallel-size 1 --max-model-len 4096"


def filled(cluster: Cluster, **changes: Any) -> DeployForm:
    form = DeployForm({"command": COMMAND, "replicas": "4", **changes}, cluster=cluster)
    form.is_valid()
    return form


@pytest.mark.django_db
def test_a_command_alone_is_a_wish(cluster: Cluster) -> None:
    form = filled(cluster)
    assert form.errors == {}
    wish = form.wish
    assert (wish.command.model_id, wish.command.port, wish.gpus, wish.replicas) == (
        "Qwen/Qwen3-0.6B",
        8000,
        1,
        4,
    )
    assert (wish.namespace, wish.image) == ("default", "vllm/vllm-openai:latest")
    assert (wish.kind, wish.access) == (Kind.STANDARD, Access.CLUSTER)


@pytest.mark.django_db
def test_a_pool_has_no_service_whatever_was_chosen(cluster: Cluster) -> None:
    wish = filled(cluster, as_pool="on", access="external").wish
    assert (wish.kind, wish.access, wish.has_service) == (Kind.POOL, Access.NONE, False)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("command", "", "required"),
        ("command", "vllm serve 'Qwen", "never closed"),
        ("command", "vllm serve", "names no model"),
        ("command", "vllm serve a/b | tee log", "needs a shell"),
        ("command", "x" * 17_000, "16000"),
        ("replicas", "", "required"),
        ("replicas", "0", "greater than or equal to 1"),
        ("replicas", "-1", "greater than or equal to 1"),
        ("replicas", "21", "less than or equal to 20"),
        ("replicas", "9" * 30, "less than or equal to 20"),
        ("replicas", "four", "whole number"),
        ("replicas", "1.5", "whole number"),
        ("gpus", "-1", "greater than or equal to 0"),
        ("gpus", "many", "whole number"),
        ("name", "Upper", "lower-case letters"),
        ("name", "1a", "beginning with a letter"),
        ("name", "a" * 46, "45"),
        ("name", "a_b", "lower-case letters"),
        ("name", "../../x", "lower-case letters"),
        ("name", "{{7*7}}", "lower-case letters"),
        ("namespace", "kube system", "lower-case letters"),
        ("namespace", "a" * 64, "63"),
        ("namespace", "<b>", "lower-case letters"),
        ("image", "vllm/vllm-openai; reboot", "no image"),
        ("image", "http://evil/x", "no image"),
        ("image", "$(id)", "no image"),
        ("access", "everybody", "valid choice"),
        ("engine", "tgi", "valid choice"),
        ("instance_types", ["ml.nothing"], "valid choice"),
        ("cpu", "-1", "greater than or equal to"),
        ("cpu", "NaN", "number"),
        ("memory", "0", "greater than or equal to 1"),
        ("token", "two words", "no spaces"),
        ("token", "x" * 201, "200"),
        ("key", "a b", "request key"),
        ("model_id", "m" * 301, "300"),
    ],
)
def test_a_wrong_value_is_named_beside_its_field(
    cluster: Cluster, field: str, value: Any, words: str
) -> None:
    errors = filled(cluster, **{field: value}).errors
    assert list(errors) == [field]
    assert words in " ".join(errors[field])


@pytest.mark.django_db
def test_gpus_beyond_any_node_are_refused_with_the_largest_node(mirrored: Mirrored, cluster: Cluster) -> None:
    form = filled(cluster, command=f"{COMMAND.replace('size 1', 'size 16')}")
    assert form.errors == {"command": ["No node has 16 GPUs; the largest has 8."]}
    assert filled(cluster, gpus="9").errors == {"gpus": ["No node has 9 GPUs; the largest has 8."]}
    assert filled(cluster, gpus="8").errors == {}


@pytest.mark.django_db
def test_chosen_instance_types_decide_what_fits(mirrored: Mirrored, cluster: Cluster) -> None:
    form = filled(cluster, gpus="8", instance_types=["ml.g5.12xlarge"])
    assert "among the chosen instance types; the largest has 4" in form.errors["gpus"][0]


@pytest.mark.django_db
def test_typed_gpus_overrule_the_command(cluster: Cluster) -> None:
    assert filled(cluster, gpus="3").wish.gpus == 3
    assert filled(cluster, gpus="0").wish.gpus == 0


@pytest.mark.django_db
def test_a_custom_image_needs_its_name_and_model(cluster: Cluster) -> None:
    form = filled(cluster, command="/entrypoint.sh --port 9000")
    assert set(form.errors) == {"model_id", "image"}
    wish = filled(
        cluster, command="/entrypoint.sh --port 9000", model_id="my/model", image="me/server:1"
    ).wish
    assert (wish.command.engine, wish.command.port, wish.command.model_id) == ("custom", 9000, "my/model")


@pytest.mark.django_db
def test_the_token_is_never_shown_again(cluster: Cluster) -> None:
    html = str(filled(cluster, token="hf_verysecretverysecretvery"))
    assert "hf_very" not in html
