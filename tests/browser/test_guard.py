"""The guard of a pool: what is lacking is said, an admin puts it up and removes it, others only look."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from apps.gateways.kubernetes import Kubernetes
from tests.browser.windows import Window
from tests.outages.portal import Portal

PAGE = "/c/demo/pools/default/pool/guard/"
ROLE = "hyperpod-portal-guard"
RBAC = "rbac.authorization.k8s.io"


@pytest.fixture
def outside(portal: Portal) -> Iterator[Kubernetes]:
    """The cluster's admin; the optional role is taken back afterwards."""
    admin = portal.outside
    yield admin
    admin.delete("clusterrolebindings", ROLE)


def bind(admin: Kubernetes) -> None:
    """What the page asks the cluster's administrators for."""
    subject = {"kind": "ServiceAccount", "name": "hyperpod-portal", "namespace": "hyperpod-portal"}
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": ROLE}
    metadata = {"name": ROLE}
    body = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": metadata}
    admin.create({**body, "roleRef": role, "subjects": [subject]})


def test_an_admin_puts_up_the_guard_and_removes_it(
    window: Callable[..., Window], outside: Kubernetes
) -> None:
    page = window("root").open(PAGE)
    expect(page.get_by_text("Bind the role hyperpod-portal-guard")).to_be_visible()
    bind(outside)
    page.reload()
    page.get_by_role("button", name="Put up the guard").click()
    expect(page.get_by_text("At least 1 pod stays Ready.").first).to_be_visible()
    looking = window("alice", width=360, scheme="dark").open(PAGE)
    expect(looking.get_by_role("button", name="Remove it")).to_be_disabled()
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_role("button", name="Put up the guard")).to_be_enabled()
