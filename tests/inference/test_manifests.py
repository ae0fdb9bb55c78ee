"""From a wish to manifests: what the cluster is told."""

from dataclasses import replace

import pytest

from apps.gateways.errors import Invalid
from apps.inference.commands import parse
from apps.inference.statuses import Access, Kind
from apps.inference.wishes import Wish, manifests_of

HOSTILE = "<b>${model}{{ x }}'\"$(HOME)\n- a: b # ]"


def wish(command: str = "vllm serve a/b --port 9000 -tp 2", **changes: object) -> Wish:
    read = parse(command)
    made = Wish(
        command=read,
        text=command,
        image="img",
        namespace="ns",
        replicas=3,
        gpus=read.gpus,
        cpu="2",
        memory="8Gi",
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # fields are checked by replace() at run time


def test_a_standard_deployment_brings_its_service() -> None:
    deployment, service = manifests_of(wish(), name="x", actor="alice")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == ["vllm", "serve", "a/b", "--port", "9000", "-tp", "2"]
    assert container["ports"][0] == {"name": "http", "containerPort": 9000, "protocol": "TCP"}
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "2", "cpu": "2", "memory": "8Gi"}
    assert service["spec"]["selector"] == {"app": "x"}
    assert "type" not in service["spec"]


def test_a_pool_keeps_business_out_of_its_selector_and_has_no_service() -> None:
    own_class, pool = manifests_of(wish(kind=Kind.POOL), name="x", actor="alice")
    assert own_class["kind"] == "PriorityClass" and own_class["value"] == 0
    assert pool["spec"]["template"]["spec"]["priorityClassName"] == own_class["metadata"]["name"]
    assert pool["spec"]["selector"]["matchLabels"] == {"app": "x"}
    assert pool["spec"]["template"]["metadata"]["labels"]["business"] == "unassigned"
    annotations = pool["spec"]["template"]["metadata"]["annotations"]
    assert annotations["controller.kubernetes.io/pod-deletion-cost"] == "-100"
    assert annotations["hyperpod-portal.io/intent"] == ""


@pytest.mark.parametrize(
    ("access", "scheme"), [(Access.INTERNAL, "internal"), (Access.EXTERNAL, "internet-facing")]
)
def test_a_load_balancer_gets_its_scheme(access: Access, scheme: str) -> None:
    service = manifests_of(wish(access=access), name="x", actor="alice")[1]
    assert service["spec"]["type"] == "LoadBalancer"
    assert scheme in service["metadata"]["annotations"].values()


def test_no_service_where_none_is_wanted() -> None:
    assert len(manifests_of(wish(access=Access.NONE), name="x", actor="alice")) == 1


def test_the_token_is_only_referred_to() -> None:
    deployment = manifests_of(wish(), name="x", actor="alice", secret_name="x-hf-1")[0]
    env = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    assert env == [{"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "x-hf-1", "key": "token"}}}]


def test_hostile_text_stays_text() -> None:
    quoted = "'" + HOSTILE.replace("'", "'\\''") + "'"
    deployment = manifests_of(wish(f"X={quoted} vllm serve {quoted}"), name="x", actor=HOSTILE)[0]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == ["vllm", "serve", HOSTILE.replace("$(", "$$(")]
    assert container["env"] == [{"name": "X", "value": HOSTILE.replace("$(", "$$(")}]
    assert deployment["metadata"]["annotations"]["hyperpod-portal.io/model-id"] == HOSTILE


def test_ollama_loads_its_model_before_its_port_opens() -> None:
    deployment = manifests_of(wish("ollama run 'q; reboot'"), name="x", actor="alice")[0]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["command"][:2] == ["/bin/sh", "-c"]
    assert container["command"][3] == "q; reboot"
    assert "reboot" not in container["command"][2]
    assert container["readinessProbe"]["httpGet"]["path"] == "/"


def test_impossible_values_are_refused_by_name() -> None:
    with pytest.raises(Invalid, match="cpu"):
        manifests_of(wish(cpu="a lot"), name="x", actor="alice")
