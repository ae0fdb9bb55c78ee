"""ValidatingAdmissionPolicies: what pools ask of them, and that a broken one says so."""

from typing import Any

import pytest

from devcluster.auth import User
from devcluster.errors import ApiError
from devcluster.objects import Json, with_annotations, with_metadata
from devcluster.resources import resource
from tests.devcluster.living import Living

VERSION = "admissionregistration.k8s.io/v1"
REPLICASETS = "system:serviceaccount:kube-system:replicaset-controller"
LENT = (
    f"request.userInfo.username != '{REPLICASETS}' || "
    "oldObject.metadata.labels.business in ['unassigned', 'retiring']"
)
FENCED = (
    "object.metadata.labels.app != params.metadata.name || "
    "!has(params.metadata.annotations) || !('scale-down' in params.metadata.annotations)"
)


def policy(expression: str, *operations: str, **spec: Any) -> Json:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": list(operations)}
    validation = {"expression": expression, "message": "Not now.", "reason": "Forbidden"}
    constraints = {"resourceRules": [rule]}
    return {
        "apiVersion": VERSION,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "guard"},
        "spec": {"matchConstraints": constraints, "validations": [validation], **spec},
    }


def binding(**spec: Any) -> Json:
    return {
        "apiVersion": VERSION,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "guard"},
        "spec": {"policyName": "guard", "validationActions": ["Deny"], **spec},
    }


async def install(living: Living, rules: Json, bound: Json) -> None:
    """Both objects, and time until they count."""
    for plural, obj in (
        ("validatingadmissionpolicies", rules),
        ("validatingadmissionpolicybindings", bound),
    ):
        living.world.registry.create(resource(plural), obj)
    await living.step(1)


async def test_the_replicaset_controller_may_not_delete_lent_pods() -> None:
    living = Living()
    living.deploy(replicas=3)
    await living.settled()
    await install(living, policy(LENT, "DELETE"), binding())
    for name in living.names():
        living.label(name, business="production")
    await living.step(2)
    living.scale("llm", 1)
    await living.step(20)
    assert len(living.names()) == 3 and living.events("FailedDelete")
    living.label(sorted(living.names())[0], business="unassigned")
    living.world.registry.delete(resource("pods"), "default", sorted(living.names())[1], user=User("alice"))
    await living.until(lambda: len(living.names()) == 1, within=300)


async def test_no_pod_is_made_while_its_deployment_carries_the_mark() -> None:
    living = Living()
    living.deploy(replicas=1)
    await living.settled()
    kind = {"apiVersion": "apps/v1", "kind": "Deployment"}
    await install(living, policy(FENCED, "CREATE", paramKind=kind), binding(paramRef={"selector": {}}))
    living.change("deployments", "llm", lambda obj: with_annotations(obj, {"scale-down": "7"}))
    living.scale("llm", 2)
    await living.step(10)
    assert len(living.names()) == 1 and living.events("FailedCreate")
    living.change("deployments", "llm", lambda obj: with_metadata(obj, annotations={}))
    await living.until(lambda: len(living.names()) == 2, within=600)


async def test_it_denies_in_upstreams_words_and_only_what_it_is_bound_to() -> None:
    living = Living()
    living.deploy(replicas=1)
    living.deploy("other", replicas=1)
    await living.settled("other")
    narrow = {"objectSelector": {"matchLabels": {"app": "llm"}}}
    await install(living, policy("1 == 2", "DELETE"), binding(matchResources=narrow))
    mine, other = sorted(living.names(app="llm"))[0], sorted(living.names(app="other"))[0]
    living.delete("pods", other)
    with pytest.raises(ApiError) as denied:
        living.delete("pods", mine)
    words = "ValidatingAdmissionPolicy 'guard' with binding 'guard' denied request: Not now."
    assert (denied.value.code, denied.value.message) == (403, f'pods "{mine}" is forbidden: {words}')


@pytest.mark.parametrize(("how", "denied"), [("Fail", True), ("Ignore", False)])
async def test_an_expression_without_a_value_follows_the_failure_policy(how: str, denied: bool) -> None:
    living = Living()
    living.deploy(replicas=1)
    await living.settled()
    await install(living, policy("oldObject.nothing == 1", "DELETE", failurePolicy=how), binding())
    name = living.names().pop()
    try:
        living.delete("pods", name)
    except ApiError as error:
        assert denied and error.code == 422 and "no such key: nothing" in error.message
    else:
        assert not denied


async def test_a_policy_that_cannot_be_read_says_where() -> None:
    living = Living()
    await install(living, policy("a = b", "DELETE"), binding())
    status = living.store.list(resource("validatingadmissionpolicies"))[0]["status"]
    assert status["typeChecking"]["expressionWarnings"][0]["fieldRef"] == "spec.validations[0].expression"
