"""Manifests from templates: typed values, nothing pasted, nothing half done."""

from typing import Any

import pytest

from apps.gateways import labels, manifests
from apps.gateways.errors import Invalid
from apps.gateways.manifests import Template, _fill, parse, render

POOL: dict[str, Any] = {
    "name": "vllm-qwen-pool",
    "namespace": "team",
    "model_type": "vllm",
    "model_id": "Qwen/Qwen3-0.6B",
    "image": "vllm/vllm-openai:v0.11",
    "command": ["vllm", "serve", "Qwen/Qwen3-0.6B"],
    "replicas": 4,
}
TRICKS = [
    "${name}",
    "${labels.APP}",
    "$when ${name}",
    "{{ name }}",
    "{% raw %}",
    "%(name)s",
    "{name}",
    "$HOME",
    "`id`",
    "$(id)",
    "$$(id)",
    "a$$b$",
    "; rm -rf /",
    "a: b",
    "- a",
    "# comment",
    "&anchor",
    "*alias",
    "!!python/name:os.system",
    "<<: *x",
    "|",
    ">",
    "'",
    '"',
    "\\",
    "---",
    "...",
    "null",
    "~",
    "yes",
    "1e3",
    "0x1f",
    "2026-11-22",
    "line\nbreak",
    "tab\there",
    " leading",
    "ünïcödé ☃ 模型",
    "<script>alert(1)</script>",
    '{"json": [1, 2]}',
    "",
    "x" * 10_000,
]


def server(**more: Any) -> dict[str, Any]:
    (deployment,) = render("model_pool", **{**POOL, **more})
    return dict(deployment["spec"]["template"]["spec"]["containers"][0])


def as_the_kubelet_expands(text: str, environment: dict[str, str]) -> str:
    """Upstream's third_party/forked/golang/expansion: `$(NAME)` is filled in when known, `$$` becomes `$`."""
    out, at = "", 0
    while at < len(text):
        if text[at] == "$" and at + 1 < len(text):
            if text[at + 1] == "$":
                out, at = out + "$", at + 2
                continue
            end = text.find(")", at)
            if text[at + 1] == "(" and end > 0:
                name = text[at + 2 : end]
                out, at = out + environment.get(name, f"$({name})"), end + 1
                continue
        out, at = out + text[at], at + 1
    return out


def test_a_pool_keeps_its_business_out_of_the_selector() -> None:
    (pool,) = render("model_pool", **POOL)
    template = pool["spec"]["template"]["metadata"]
    assert pool["spec"]["selector"] == {"matchLabels": {"app": "vllm-qwen-pool"}}
    assert template["labels"][labels.BUSINESS] == labels.UNASSIGNED
    assert template["annotations"][labels.INTENT] == ""
    assert template["annotations"][labels.DELETION_COST] == "-100"
    assert pool["metadata"]["annotations"][labels.MODEL_ID] == "Qwen/Qwen3-0.6B"


def test_ready_means_that_the_model_answers() -> None:
    container = server(port=9000, health_path="/ping")
    assert container["ports"] == [{"name": "http", "containerPort": 9000, "protocol": "TCP"}]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/ping", "port": "http"}
    assert container["startupProbe"]["periodSeconds"] * container["startupProbe"]["failureThreshold"] >= 1800


def test_gpus_are_requested_as_they_are_limited() -> None:
    resources = server(gpus=4, cpu="500m", memory="64Gi")["resources"]
    assert (
        resources["requests"]
        == resources["limits"]
        == {"nvidia.com/gpu": "4", "cpu": "500m", "memory": "64Gi"}
    )


def test_optional_parts_are_left_out() -> None:
    (pool,) = render("model_pool", **POOL, gpus=None, shared_memory=None)
    spec = pool["spec"]["template"]["spec"]
    assert "affinity" not in spec and "priorityClassName" not in spec
    assert spec["volumes"] == spec["containers"][0]["volumeMounts"] == spec["containers"][0]["env"] == []


def test_optional_parts_are_there_when_asked_for() -> None:
    (pool,) = render(
        "model_pool", **POOL, token_secret="hf", instance_types=["ml.g5.12xlarge"], environment={"A": "1"}
    )
    spec = pool["spec"]["template"]["spec"]
    token, plain = spec["containers"][0]["env"]
    assert token["valueFrom"]["secretKeyRef"] == {"name": "hf", "key": "token"}
    assert plain == {"name": "A", "value": "1"}
    (term,) = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]
    assert term["matchExpressions"][0]["values"] == ["ml.g5.12xlarge"]


def test_pool_and_standard_deployments_run_the_same_container() -> None:
    (pool,) = render("model_pool", **POOL, min_ready_seconds=10)
    (standard,) = render("model_deployment", **POOL)
    assert pool["spec"]["template"]["spec"] == standard["spec"]["template"]["spec"]
    assert pool["spec"]["strategy"] == standard["spec"]["strategy"]
    assert labels.BUSINESS not in standard["spec"]["template"]["metadata"]["labels"]


def test_a_business_service_selects_the_lent_pods() -> None:
    (service,) = render("business_service", name="s", namespace="team", pool="p", business="production")
    assert service["spec"]["selector"] == {"model": "p", "business": "production"}
    assert service["spec"]["ports"][0]["name"] == "http"
    assert "type" not in service["spec"]


def test_a_load_balancer_is_asked_for_only_by_name() -> None:
    service = {"name": "s", "namespace": "n", "deployment": "d", "model_type": "vllm"}
    (plain,) = render("model_service", **service)
    (external,) = render("model_service", **service, load_balancer="internet-facing")
    assert "type" not in plain["spec"] and external["spec"]["type"] == "LoadBalancer"
    assert "internet-facing" in external["metadata"]["annotations"].values()
    assert not [key for key in plain["metadata"]["annotations"] if "load-balancer" in key]


@pytest.mark.parametrize("trick", TRICKS)
def test_a_value_arrives_exactly(trick: str) -> None:
    container = server(command=["vllm", trick], image=trick, environment={"X": trick, "id": "filled in"})
    known = {"id": "filled in", "name": "filled in"}
    assert [as_the_kubelet_expands(word, known) for word in container["command"]] == ["vllm", trick]
    assert [manifests.from_literal(word) for word in container["command"]] == ["vllm", trick]
    assert as_the_kubelet_expands(container["env"][0]["value"], known) == trick
    assert container["image"] == trick
    assert set(container) == set(server())


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"replicas": "4"}, "replicas"),
        ({"replicas": True}, "replicas"),
        ({"replicas": -1}, "replicas"),
        ({"replicas": 2**31}, "replicas"),
        ({"replicas": 1.5}, "replicas"),
        ({"replicas": None}, "replicas"),
        ({"name": "Bad_Name"}, "name"),
        ({"name": "x" * 64}, "name"),
        ({"name": "a\nb: c"}, "name"),
        ({"namespace": "../x"}, "namespace"),
        ({"model_type": "a b"}, "model_type"),
        ({"image": 3}, "image"),
        ({"image": "a\0b"}, "image"),
        ({"command": "vllm serve"}, "command"),
        ({"command": ["vllm", 1]}, "command"),
        ({"gpus": "many"}, "gpus"),
        ({"gpus": -1}, "gpus"),
        ({"memory": "64 GB"}, "memory"),
        ({"environment": ["A"]}, "environment"),
        ({"environment": {"A": 1}}, "environment"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_it_refuses_a_wrong_parameter_by_name(more: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        render("model_pool", **{**POOL, **more})
    assert [cause.field for cause in caught.value.causes] == [field]


def test_it_names_all_that_is_missing() -> None:
    with pytest.raises(Invalid) as caught:
        render("model_pool", name="a", namespace="b")
    assert {cause.field for cause in caught.value.causes} >= {"image", "command", "replicas"}


@pytest.mark.parametrize("word", ["unassigned", "draining", "retiring", "", "a b", "Retiring"])
def test_no_service_is_made_for_a_reserved_business(word: str) -> None:
    with pytest.raises(Invalid):
        render("business_service", name="s", namespace="n", pool="p", business=word)


@pytest.mark.parametrize("name", ["nope", "../labels", "model_pool.yaml", "", "/etc/passwd", "a\0b"])
def test_it_refuses_an_unknown_template(name: str) -> None:
    with pytest.raises(Invalid):
        render(name)


@pytest.mark.parametrize(
    "text",
    [
        "a: text\n---\nx: pre${a}",
        "a: text\n---\nx: ${b}",
        "a: text\nb: text\n---\nx: ${a}",
        "a: nothing\n---\nx: ${a}",
    ],
)
def test_a_faulty_template_is_found_out(text: str) -> None:
    with pytest.raises(ValueError, match=r"placeholder|parameter"):
        parse("faulty", text)


def test_every_template_is_sound() -> None:
    names = manifests.templates()
    assert len(names) >= 4
    assert all(isinstance(manifests.load(name), Template) for name in names)


def test_a_rendered_manifest_shares_nothing_with_the_next() -> None:
    command = ["vllm"]
    first = server(command=command, environment={})
    first["command"].append("x")
    first["ports"][0]["name"] = "changed"
    assert server(command=command)["command"] == ["vllm"]
    assert server()["ports"][0]["name"] == "http"


def test_values_are_not_looked_into_again() -> None:
    assert _fill(["${a}"], {"a": ["${b}"], "b": "no"}) == ["${b}"]


def test_a_list_used_twice_is_two_lists() -> None:
    filled = _fill({"a": "${x}", "b": "${x}"}, {"x": ["1"]})
    filled["a"].append("2")
    assert filled["b"] == ["1"]
