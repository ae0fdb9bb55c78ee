"""The guard on a real cluster: it binds others, not the portal, and comes and goes without a trace."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.clusters.connections import connect
from apps.gateways.errors import NotFound, TooManyRequests
from apps.pools.guard import state as guard
from apps.pools.guard.actions import CannotGuard, install_guard, remove_guard
from apps.pools.guard.wanted import POLICY, binding_name
from apps.pools.models import Share, SharePolicy
from apps.pools.removal import forget
from tests.inference.real import finish, lines
from tests.pools.scaling import Losses, begin, leftovers, lend, resize, settled, state_of
from tests.pools.world import World
from tests.processes import until

ROLE = "hyperpod-portal-guard"
RBAC = "rbac.authorization.k8s.io"


@pytest.fixture
def guarded(world: World) -> Iterator[World]:
    """The optional role is bound to the portal's account, and whatever was put up goes afterwards."""
    body = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": ROLE},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": ROLE},
        "subjects": [{"kind": "ServiceAccount", "name": "hyperpod-portal", "namespace": "hyperpod-portal"}],
    }
    world.outside.create(body)
    yield world
    for plural, name in (
        (guard.BINDINGS, binding_name(world.target)),
        (guard.POLICIES, POLICY),
        ("clusterrolebindings", ROLE),
    ):
        drop(world, plural, name)
    for item in guard.budgets_of(world.outside, world.target):
        drop(world, guard.BUDGETS, item["metadata"]["name"], namespace=world.namespace)


def drop(world: World, plural: str, name: str, **place: str) -> None:
    try:
        world.outside.delete(plural, name, **place)
    except NotFound:
        return


def observed(world: World) -> None:
    """Until the cluster has read the policy and counted the budgets."""

    def look() -> bool:
        policy = world.outside.get(guard.POLICIES, POLICY)
        known = (policy.get("status") or {}).get("observedGeneration") == policy["metadata"]["generation"]
        budgets = guard.budgets_of(world.outside, world.target)
        return known and all("disruptionsAllowed" in (item.get("status") or {}) for item in budgets)

    until(look, seconds=30, what="the guard to be in force")


def test_nobody_guards_without_the_optional_role(world: World, root: User) -> None:
    with pytest.raises(CannotGuard, match="hyperpod-portal-guard"):
        install_guard(by=root, pool=world.target)
    assert guard.read(world.portal, world.target).state == "off"


def test_kubectl_scale_cannot_take_lent_pods_and_the_portal_still_scales(guarded: World, root: User) -> None:
    names = guarded.names()
    lend(guarded, names[:3])
    assert install_guard(by=root, pool=guarded.target).state == "on"
    observed(guarded)
    with Losses(guarded) as losses:
        resize(guarded, 1)
        until(lambda: names[3] in losses.ended, seconds=30, what="the free pod to go")
        until(lambda: refused(guarded), seconds=30, what="a refused deletion")
        resize(guarded, 3)
        settled(guarded, 3)
    assert losses.lent == [] and guarded.names() == names[:3]
    guarded.relabel(names[0], "unassigned")
    done = finish(begin(guarded, root, 2, timeout=5))
    assert done.status == "succeeded", (done.message, lines(done))
    settled(guarded, 2)
    assert leftovers(guarded) == [] and guarded.names() == names[1:3]


def refused(world: World) -> bool:
    """Whether the ReplicaSet controller was told no."""
    events = world.outside.list("events", namespace=world.namespace)
    return any(item["reason"] == "FailedDelete" and "This pod is lent" in item["message"] for item in events)


def test_a_drain_waits_before_the_last_serving_pod_of_a_business(guarded: World, root: User) -> None:
    first, second = guarded.names()[:2]
    lend(guarded, [first])
    policy = SharePolicy.objects.create(pool=guarded.record)
    Share.objects.create(policy=policy, business="testing", count=2, floor=2)
    found = install_guard(by=root, pool=guarded.target)
    assert {item.business: item.least for item in found.budgets} == {"production": 1, "testing": 2}
    observed(guarded)
    with pytest.raises(TooManyRequests):
        evict(guarded, first)
    lend(guarded, [second])
    until(lambda: evicted(guarded, first), seconds=30, what="an eviction that leaves one pod")


def evict(world: World, name: str) -> None:
    path = f"/api/v1/namespaces/{world.namespace}/pods/{name}/eviction"
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    world.outside.transport.request("POST", path, body=body)


def evicted(world: World, name: str) -> bool:
    try:
        evict(world, name)
    except TooManyRequests:
        return False
    return True


def test_what_others_changed_is_seen_and_put_right(guarded: World, root: User) -> None:
    install_guard(by=root, pool=guarded.target)
    budget = guard.budgets_of(guarded.outside, guarded.target)[0]["metadata"]["name"]
    change = {"spec": {"minAvailable": 0}}
    guarded.outside.patch_merge(guard.BUDGETS, budget, change, namespace=guarded.namespace)
    guarded.outside.delete("services", "llm-testing", namespace=guarded.namespace)
    found = guard.read(guarded.portal, guarded.target)
    assert found.state == "differs" and len(found.left_over) == 1
    assert install_guard(by=root, pool=guarded.target).state == "on"
    assert remove_guard(by=root, pool=guarded.target).state == "off"
    with pytest.raises(NotFound):
        guarded.outside.get(guard.POLICIES, POLICY)
    codes = AuditEntry.objects.filter(code__endswith="_guard").values_list("code", flat=True)
    assert sorted(codes) == ["pools.install_guard", "pools.install_guard", "pools.remove_guard"]


def test_a_deleted_pool_leaves_no_binding(guarded: World, root: User) -> None:
    install_guard(by=root, pool=guarded.target)
    forget(connect(guarded.cluster.pk).kubernetes, guarded.record)
    with pytest.raises(NotFound):
        guarded.outside.get(guard.BINDINGS, binding_name(guarded.target))


def test_the_tab_and_the_api_say_and_do_the_same(
    guarded: World, root: User, alice: User, client_of: Callable[[User], Client]
) -> None:
    guarded.mirror()
    page = f"/c/{guarded.cluster.slug}/pools/{guarded.namespace}/llm/guard/"
    api = f"/api/c/{guarded.cluster.slug}/pools/{guarded.namespace}/llm/guard"
    admin, operator = client_of(root), client_of(alice)
    assert "Asking the cluster" in admin.get(page).content.decode()
    assert "Put up the guard" in admin.get(f"{page}state/", headers=HTMX).content.decode()
    assert operator.put(api).status_code == operator.post(f"{page}install/").status_code == 403
    done: dict[str, Any] = admin.put(api).json()
    assert done["state"] == "on" and [item["business"] for item in done["budgets"]] == [
        "production",
        "testing",
    ]
    shown = operator.get(f"{page}state/").content.decode()
    assert "Remove it" in shown and "disabled" in shown
    assert "Put up the guard" in admin.post(f"{page}remove/", headers=HTMX).content.decode()
    assert admin.get(api).json()["state"] == admin.delete(api).json()["state"] == "off"
    assert state_of(guarded).replicas == 4


HTMX = {"HX-Request": "true"}
