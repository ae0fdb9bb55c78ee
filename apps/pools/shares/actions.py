"""What people do with shares: set them, switch them on, off and to pause, end exceptions, clear kept pods."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.audit.actions import action, note
from apps.live import topics
from apps.live.publish import publish
from apps.pools import selectors
from apps.pools.handover import records
from apps.pools.models import Aside, PoolRecord, Share, ShareException, SharePolicy
from apps.pools.permissions import SHARES
from apps.pools.reconciler import turns
from apps.pools.refusals import PoolProblem, UnknownPool
from apps.pools.shares.wishes import Changed, SharesWish, check
from apps.pools.targets import PodTarget, PoolTarget


class NothingSet(PoolProblem):
    """Shares that nobody has set cannot be switched on."""

    problem_status = 422
    problem_code = "no_shares"


class NotHere(PoolProblem):
    """There is no such exception or kept pod."""

    problem_status = 404
    problem_code = "unknown_pod"


@action("pools.set_shares", permission=SHARES, target="pool", label=_lazy("Set shares"))
def set_shares(*, pool: PoolTarget, wish: SharesWish) -> SharePolicy:
    """Replace all shares of a pool. Raises ShareProblem with its field, Changed, UnknownPool."""
    found = selectors.pool(pool.cluster_id, pool.namespace, pool.name)
    if found is None:
        raise UnknownPool(_("There is no pool “%(name)s”.") % {"name": pool.name})
    check(wish, businesses=found.businesses, size=found.replicas)
    record, policy = locked(pool)
    if wish.version is not None and wish.version != policy.version:
        raise Changed(_("Somebody else changed the shares meanwhile; look again."))
    note(before=described(policy))
    replace(policy, wish)
    note(after=described(policy))
    announce(record)
    return policy


@action("pools.switch_shares", permission=SHARES, target="pool", label=_lazy("Switch shares"))
def switch_shares(
    *, pool: PoolTarget, enabled: bool | None = None, paused: bool | None = None
) -> SharePolicy:
    """Have the portal keep the shares or not; a pause keeps them switched on. Raises NothingSet."""
    record, policy = locked(pool)
    note(before={"enabled": policy.enabled, "paused": policy.paused})
    if enabled and not policy.shares.exists():
        raise NothingSet(_("Set at least one share first."))
    policy.enabled = policy.enabled if enabled is None else enabled
    policy.paused = policy.paused if paused is None else paused
    policy.save(update_fields=["enabled", "paused"])
    note(after={"enabled": policy.enabled, "paused": policy.paused})
    announce(record)
    return policy


@action("pools.end_exception", permission=SHARES, target="pod", label=_lazy("End an exception"))
def end_exception(*, pod: PodTarget) -> None:
    """From now on the pod counts as every other one. Raises NotHere."""
    record, _policy = locked(pod.pool)
    gone, _kinds = ShareException.objects.filter(pool=record, pod_name=pod.name).delete()
    if not gone:
        raise NotHere(_("%(pod)s has no exception.") % {"pod": pod.name})
    announce(record)


@action("pools.clear_aside", permission=SHARES, target="pod", label=_lazy("Return a kept pod to the stock"))
def clear_aside(*, pod: PodTarget) -> None:
    """The pod may be lent again as soon as it is Ready. Raises NotHere."""
    record, _policy = locked(pod.pool)
    gone, _kinds = Aside.objects.filter(pool=record, pod_name=pod.name).delete()
    if not gone:
        raise NotHere(_("%(pod)s is not kept aside.") % {"pod": pod.name})
    announce(record)


def locked(pool: PoolTarget) -> tuple[PoolRecord, SharePolicy]:
    """The pool's row, locked, and its policy, made at its first use."""
    record = records.lock(records.record_of(pool.cluster_id, pool.namespace, pool.name).pk)
    return record, SharePolicy.objects.get_or_create(pool=record)[0]


def replace(policy: SharePolicy, wish: SharesWish) -> None:
    """Write the wished shares in the place of the present ones."""
    policy.shares.all().delete()
    Share.objects.bulk_create(
        Share(
            policy=policy,
            business=item.business,
            count=item.count,
            weight=item.weight,
            floor=item.floor,
        )
        for item in wish.shares
    )
    policy.dwell, policy.patience, policy.version = wish.dwell, wish.patience, policy.version + 1
    policy.save(update_fields=["dwell", "patience", "version"])


def described(policy: SharePolicy) -> dict[str, Any]:
    """The shares for the audit."""
    shares = policy.shares.values("business", "count", "weight", "floor")
    return {"shares": list(shares), "dwell": policy.dwell, "patience": policy.patience}


def announce(record: PoolRecord) -> None:
    """Pages look again, and so does the reconciler."""
    publish(topics.pool(record.cluster_id, record.namespace, record.name))
    transaction.on_commit(lambda: turns.ask(record))
