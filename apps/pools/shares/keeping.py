"""A pool's shares as they stand: from our rows and one look, with the memory of what was missed."""

from django.db import transaction
from django.utils import timezone

from apps.gateways import labels
from apps.operations.models import Operation
from apps.operations.statuses import ACTIVE
from apps.pools.live_view import PodFacts
from apps.pools.models import Aside, Holding, Intent, PoolRecord, Share, ShareException, SharePolicy
from apps.pools.reconciler.acts import Act
from apps.pools.reconciler.sight import Sight
from apps.pools.shares.entitlement import Rule
from apps.pools.shares.planning import ASIDE, Excepted, Shared
from apps.pools.statuses import IntentState


def policy_of(record: PoolRecord) -> SharePolicy | None:
    """The pool's policy, if it ever had one."""
    return SharePolicy.objects.filter(pool=record).first()


def shared_of(record: PoolRecord, policy: SharePolicy, sight: Sight) -> Shared:
    """The pool's shares at this look; remembers since when each is missed."""
    shares = list(policy.shares.all())
    shared = assembled(record, policy, shares, sight)
    for share, rule in zip(shares, shared.rules, strict=True):
        remember(share, missed=shared.lacks(rule) > 0, sight=sight)
    return assembled(record, policy, shares, sight)


def assembled(record: PoolRecord, policy: SharePolicy, shares: list[Share], sight: Sight) -> Shared:
    """Rows and look together."""
    return Shared(
        sight,
        [rule_of(share) for share in shares],
        aside=frozenset(Aside.objects.filter(pool=record).values_list("pod_uid", flat=True)),
        exceptions=[
            Excepted(item.pod_uid, item.origin, item.business, item.until)
            for item in current_exceptions(record)
        ],
        patience=policy.patience,
        dwell=policy.dwell,
        goals=goals_of(record, sight.state.live),
        since=dict(Holding.objects.filter(pool=record, to_at=None).values_list("pod_uid", "from_at")),
    )


def rule_of(share: Share) -> Rule:
    """The row as the plan takes it."""
    return Rule(share.business, share.count, share.weight, share.floor, share.missed_since)


def remember(share: Share, *, missed: bool, sight: Sight) -> None:
    """Keep since when a business has less than its share."""
    since = (share.missed_since or sight.now) if missed else None
    if since != share.missed_since:
        share.missed_since = since
        Share.objects.filter(pk=share.pk).update(missed_since=since)


def current_exceptions(record: PoolRecord) -> list[ShareException]:
    """Those whose time is not up."""
    return list(ShareException.objects.filter(pool=record, until__gt=timezone.now()))


def goals_of(record: PoolRecord, pods: tuple[PodFacts, ...]) -> dict[str, str]:
    """Where pods that are being drained go: uid to business."""
    uids = [pod.uid for pod in pods if pod.business == labels.DRAINING]
    made = Intent.objects.filter(
        pool=record, pod_uid__in=uids, business=labels.DRAINING, state=IntentState.DONE
    )
    return {intent.pod_uid: intent.goal or labels.UNASSIGNED for intent in made.order_by("serial")}


def owner_of(record: PoolRecord) -> Operation | None:
    """An operation that has the whole pool at this moment."""
    return Operation.objects.filter(
        status__in=ACTIVE,
        target_cluster=record.cluster.slug,
        target_namespace=record.namespace,
        target_name=record.name,
        target_kind__in=("pool", "deployment"),
    ).first()


def announce(record: PoolRecord, act: Act) -> None:
    """What our rows have to say of an act; before it, so that no death in between lets it be forgotten."""
    if act.batch == ASIDE:
        kept = {"pod_name": act.pod, "business": act.origin, "reason": act.why}
        with transaction.atomic():
            Aside.objects.update_or_create(pool=record, pod_uid=act.uid, defaults=kept)


def tidy(record: PoolRecord, sight: Sight) -> None:
    """Forget exceptions whose time is up, and kept pods that are gone or that somebody lent again."""
    ShareException.objects.filter(pool=record, until__lte=timezone.now()).delete()
    free = [pod.uid for pod in sight.state.pods if pod.alive and pod.business == labels.UNASSIGNED]
    Aside.objects.filter(pool=record).exclude(pod_uid__in=free).delete()
