"""Who may what: tokens, RBAC on the shipped role, and EKS tokens."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from devcluster.auth import ANONYMOUS, Tokens, User, is_aws_token, service_account
from devcluster.errors import Unauthorized
from devcluster.options import DEFAULT_RBAC
from devcluster.rbac import Attributes, allows
from tests.devcluster.client import Client, pod
from tests.processes import Devcluster

ADDRESS = "https://sts.us-west-2.amazonaws.com/?Action=GetCallerIdentity&X-Amz-Signature=abc"


def aws_token(address: str) -> str:
    return "k8s-aws-v1." + base64.urlsafe_b64encode(address.encode()).decode().rstrip("=")


def test_the_portal_may_lend_pods_but_not_read_secrets(portal: Client, admin: Client, namespace: str) -> None:
    pods = f"/api/v1/namespaces/{namespace}/pods"
    admin.create(pods, pod("a"))
    assert portal.patch(f"{pods}/a", {"metadata": {"labels": {"business": "one"}}}).status_code == 200
    for path in (
        f"/api/v1/namespaces/{namespace}/secrets",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    ):
        assert portal.ask("GET", path).status_code == 403
    assert portal.ask("GET", "/devcluster/stats").status_code == 403


def test_a_refusal_says_who_lacks_what(portal: Client, namespace: str) -> None:
    text = portal.ask("GET", f"/api/v1/namespaces/{namespace}/secrets").json()["message"]
    who = "system:serviceaccount:hyperpod-portal:hyperpod-portal"
    what = f'cannot list resource "secrets" in API group "" in the namespace "{namespace}"'
    assert text == f'secrets is forbidden: User "{who}" {what}'


def test_a_right_taken_away_is_missing_at_once(admin: Client, portal: Client) -> None:
    path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    body = {
        "metadata": {"name": "extra"},
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "hyperpod-portal", "namespace": "hyperpod-portal"}],
    }
    admin.create(path, body)
    assert portal.ask("GET", "/api/v1/namespaces/kube-system/secrets").status_code == 200
    admin.ask("DELETE", f"{path}/extra")
    assert portal.ask("GET", "/api/v1/namespaces/kube-system/secrets").status_code == 403


@pytest.mark.parametrize(("token", "status"), [("wrong", 401), ("", 403)])
def test_strangers_are_refused(devcluster: Devcluster, token: str, status: int) -> None:
    stranger = Client(devcluster.folder / "kubeconfig", token=token)
    assert stranger.ask("GET", "/api/v1/pods").status_code == status


def test_the_server_is_known_by_its_own_authority(admin: Client) -> None:
    assert "BEGIN CERTIFICATE" in admin.ca
    assert admin.get("/version")["gitVersion"] == "v1.33.1-devcluster"


def test_an_eks_token_stands_for_the_portal() -> None:
    tokens = Tokens(aws_user=service_account("hyperpod-portal", "hyperpod-portal"))
    assert tokens.authenticate(f"Bearer {aws_token(ADDRESS)}").service_account == (
        "hyperpod-portal",
        "hyperpod-portal",
    )
    assert tokens.authenticate("") is ANONYMOUS


@pytest.mark.parametrize(
    "token", ["k8s-aws-v1.%%%", "k8s-aws-v1.", aws_token("https://example.test/?Action=Other")]
)
def test_what_only_looks_like_an_eks_token_is_refused(token: str) -> None:
    assert not is_aws_token(token)
    with pytest.raises(Unauthorized):
        Tokens(aws_user=User("x")).authenticate(f"Bearer {token}")


def test_rules_speak_of_names_subresources_and_paths() -> None:
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"], "resourceNames": ["a"]}
    asked = Attributes("get", "", "pods", "log", "n", "a")
    assert allows(rule, asked)
    assert not allows(rule, Attributes("get", "", "pods", "", "n", "a"))
    assert not allows(rule, Attributes("get", "", "pods", "log", "n", "b"))
    assert allows({"verbs": ["get"], "nonResourceURLs": ["/api/*"]}, Attributes("get", path="/api/v1"))


def test_the_shipped_role_asks_for_no_star() -> None:
    manifests = list(yaml.safe_load_all(Path(DEFAULT_RBAC).read_text()))
    rules = next(item["rules"] for item in manifests if item["kind"] == "ClusterRole")
    assert not [rule for rule in rules for values in rule.values() if "*" in values]
    secret_verbs = {verb for rule in rules if "secrets" in rule["resources"] for verb in rule["verbs"]}
    assert not secret_verbs & {"get", "list", "watch"}


REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@pytest.mark.parametrize(
    ("verb", "resource", "allowed"), [("patch", "pods", True), ("list", "secrets", False)]
)
def test_a_client_can_ask_what_it_may(portal: Client, verb: str, resource: str, allowed: bool) -> None:
    asked = {"resourceAttributes": {"verb": verb, "resource": resource, "namespace": "default"}}
    assert portal.create(REVIEWS, {"spec": asked})["status"] == {"allowed": allowed}


def test_a_review_in_protobuf_is_refused_with_words(portal: Client) -> None:
    answer = portal.ask("POST", REVIEWS, b"k8s\x00", media="application/vnd.kubernetes.protobuf")
    assert (answer.status_code, answer.json()["reason"]) == (415, "UnsupportedMediaType")
