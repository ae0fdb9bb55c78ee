"""The admin site: what is history can be looked at there and never changed, all else leaves entries."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.admin import RecordedAdmin
from apps.accounts.admin_records import ReadOnly
from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.pools.models import Holding, Intent, PoolRecord
from tests.access_table import an_entry, an_operation, make_world

HISTORY = {
    "audit.auditentry",
    "inference.modeldeployment",
    "operations.operation",
    "pools.aside",
    "pools.holding",
    "pools.intent",
    "pools.rollout",
    "pools.shareexception",
    "pools.sharepolicy",
}
BY_ACTIONS = {"clusters.cluster"}  # its saves and deletes are audited actions


def registered() -> dict[str, Any]:
    return {model._meta.label_lower: page for model, page in admin.site._registry.items()}


def test_history_is_read_only_and_every_other_page_is_recorded() -> None:
    pages = registered()
    assert {name for name, page in pages.items() if isinstance(page, ReadOnly)} == HISTORY
    others = {name: page for name, page in pages.items() if name not in HISTORY and own(page)}
    assert {name for name, page in others.items() if not isinstance(page, RecordedAdmin)} == BY_ACTIONS
    assert len(others) >= 4


def own(page: Any) -> bool:
    """Whether the page is the portal's, not that of an app that it uses."""
    return type(page).__module__.startswith("apps.")


@pytest.fixture
def pool(db: None, alice: User, bob: User, root: User) -> PoolRecord:
    """A pool with one change of hands behind it, in the world of the access table."""
    make_world()
    place = {"cluster": Cluster.objects.get(), "namespace": "default", "name": "pool"}
    made = PoolRecord.objects.get_or_create(**place)[0]
    told = {"pool": made, "pod_uid": "u", "pod_name": "pool-1", "business": "production"}
    Intent.objects.create(**told, origin="unassigned", state="done")
    Holding.objects.create(**told, from_at=timezone.now(), source="portal")
    return made


def test_an_admin_finds_history_and_cannot_change_it(
    pool: PoolRecord, root: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(root)
    rows = [("audit.auditentry", an_entry()["pk"]), ("operations.operation", an_operation()["pk"])]
    rows += [
        ("pools.intent", Intent.objects.latest("made_at").pk),
        ("pools.holding", pool.holdings.latest("pk").pk),
    ]
    for name, pk in rows:
        page = f"admin:{name.replace('.', '_')}"
        seen = client.get(reverse(f"{page}_changelist")), client.get(reverse(f"{page}_change", args=[pk]))
        assert [answer.status_code for answer in seen] == [200, 200], name
        assert client.post(reverse(f"{page}_change", args=[pk]), {"reason": "x"}).status_code == 403
        assert client.post(reverse(f"{page}_delete", args=[pk]), {"post": "yes"}).status_code == 403
        assert client.post(reverse(f"{page}_add"), {}).status_code == 403
