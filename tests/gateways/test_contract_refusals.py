"""How the gateway tells what a cluster refuses, on the development cluster and that of TEST_KUBECONFIG."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from apps.gateways.errors import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    PatchRefused,
    ServerError,
    TimedOut,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from apps.gateways.kubernetes import Kubernetes
from tests.gateways.conftest import Cluster
from tests.gateways.things import fresh, note
from tests.processes import until

pytestmark = [pytest.mark.devcluster, pytest.mark.xdist_group("gateways")]


def test_a_wrong_token_is_unauthorized(cluster: Cluster) -> None:
    plain = replace(cluster.portal.connection, token="wrong", client_certificate_data="", client_key_data="")
    with pytest.raises(Unauthorized):
        Kubernetes(plain).list("pods", namespace=cluster.namespace)


def test_a_missing_right_is_forbidden_and_names_it(only_devcluster: Cluster) -> None:
    cluster = only_devcluster
    with pytest.raises(Forbidden, match=r"may not delete nodes"):
        cluster.portal.delete("nodes", cluster.portal.list("nodes")[0]["metadata"]["name"])
    with pytest.raises(Forbidden):
        cluster.portal.watch("secrets", resource_version="1")


def test_it_can_ask_for_its_rights(cluster: Cluster) -> None:
    assert cluster.portal.can_i("patch", "pods", namespace=cluster.namespace)
    assert cluster.portal.can_i("get", "pods/log", namespace=cluster.namespace)
    if not cluster.real:
        assert not cluster.portal.can_i("delete", "nodes")


def test_a_full_quota_is_forbidden_and_names_it(cluster: Cluster) -> None:
    name = fresh("no-pods")
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": name, "namespace": cluster.namespace},
        "spec": {"hard": {"count/services": "0"} if cluster.real else {"pods": "0"}},
    }
    thing: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": fresh("over"), "namespace": cluster.namespace},
        "spec": {"containers": [{"name": "a", "image": "registry.k8s.io/pause:3.9"}]},
    }
    if cluster.real:
        thing = note(cluster, fresh("over"))
    cluster.admin.create(quota)
    try:
        quotas = partial(cluster.admin.get, "resourcequotas", name, namespace=cluster.namespace)
        until(lambda: quotas().get("status", {}).get("hard"))
        with pytest.raises(Forbidden, match=name):
            cluster.admin.create(thing)
    finally:
        cluster.admin.delete("resourcequotas", name, namespace=cluster.namespace)


ANSWERS = [
    (409, Conflict),
    (410, Gone),
    (422, Invalid),
    (429, TooManyRequests),
    (500, ServerError),
    (503, Unreachable),
]


@pytest.mark.parametrize(("status", "error"), ANSWERS)
def test_an_answer_gone_wrong_is_a_typed_error(
    only_devcluster: Cluster, status: int, error: type[Exception]
) -> None:
    only_devcluster.misbehave(
        kind="answer", status=status, verb="create", resource="services", retry_after=60, count=1
    )
    with pytest.raises((error, PatchRefused)) as caught:
        only_devcluster.portal.create(note(only_devcluster, fresh("unlucky")))
    assert getattr(caught.value, "status", None) == status


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_read_survives_what_passes(only_devcluster: Cluster, status: int) -> None:
    mishap = {"verb": "get", "resource": "services", "retry_after": 1, "count": 2}
    name = fresh("calm")
    only_devcluster.portal.create(note(only_devcluster, name))
    only_devcluster.misbehave(kind="answer", status=status, **mishap)
    assert only_devcluster.portal.get("services", name, namespace=only_devcluster.namespace)


def test_a_server_that_hangs_is_left_in_time(only_devcluster: Cluster) -> None:
    only_devcluster.misbehave(kind="hang", seconds=30, resource="services", verb="create", count=1)
    impatient = Kubernetes(only_devcluster.portal.connection, timeout=0.5)
    with pytest.raises(TimedOut) as caught:
        impatient.create(note(only_devcluster, fresh("late")))
    assert caught.value.maybe_done
