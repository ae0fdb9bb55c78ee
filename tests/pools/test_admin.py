"""Shares and rollouts in the admin site: to look at, never to change."""

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.pools.models import PoolRecord, Rollout, Share, SharePolicy
from apps.pools.statuses import Source


def test_admins_read_shares_and_rollouts_and_change_none(
    db: None, client_of: Callable[[User], Client], root: User
) -> None:
    record = PoolRecord.objects.create(cluster=Cluster.objects.create(slug="a"), namespace="n", name="pool")
    policy = SharePolicy.objects.create(pool=record, enabled=True)
    Share.objects.create(policy=policy, business="production", count=2)
    rollout = Rollout.objects.create(pool=record, source=Source.PORTAL, by="alice")
    client = client_of(root)
    for kind, pk, words in (("sharepolicy", policy.pk, "production"), ("rollout", rollout.pk, "alice")):
        assert client.get(reverse(f"admin:pools_{kind}_changelist")).status_code == 200
        assert words in client.get(reverse(f"admin:pools_{kind}_change", args=[pk])).content.decode()
        assert client.get(reverse(f"admin:pools_{kind}_add")).status_code == 403
    assert client.get(reverse("admin:pools_shareexception_changelist")).status_code == 200
    assert client.get(reverse("admin:pools_aside_changelist")).status_code == 200
