"""A pool's shares as pages and API show them: from the mirror and our own rows."""

from dataclasses import dataclass

from apps.gateways import labels
from apps.pools import selectors
from apps.pools.models import Aside, Intent, PoolRecord, ShareException, SharePolicy, Turn
from apps.pools.reconciler.sight import Sight
from apps.pools.scaling.state import PoolState
from apps.pools.selectors import PoolRow
from apps.pools.shares import keeping
from apps.pools.shares.entitlement import Rule
from apps.pools.shares.planning import Shared
from apps.pools.statuses import Source

ACTS = 50


@dataclass(frozen=True)
class ShareLine:
    """One business: its rule (None for one without a share), what serves it, what it has and should have."""

    business: str
    rule: Rule | None
    serving: int
    held: int
    entitled: int | None

    @property
    def state(self) -> str:
        """`below_floor`, `below_share`, `above`, `met`, or `none` without a share."""
        if self.rule is None or self.entitled is None:
            return "none"
        if self.serving < self.rule.floor:
            return "below_floor"
        if self.held != self.entitled:
            return "below_share" if self.held < self.entitled else "above"
        return "met"


@dataclass(frozen=True)
class SharesStatus:
    """Everything that is to be said about a pool's shares."""

    policy: SharePolicy
    lines: list[ShareLine]
    waits: list[str]
    acts: list[Intent]
    exceptions: list[ShareException]
    asides: list[Aside]


def status_of(pool: PoolRow) -> SharesStatus:
    """The shares of a pool of the mirror; a pool that never had any has an unsaved policy, switched off."""
    record = selectors.record(pool.cluster_id, pool.namespace, pool.name)
    policy = keeping.policy_of(record) if record else None
    if record is None or policy is None:
        return SharesStatus(SharePolicy(), lines_of(pool, None), [], [], [], [])
    shared = keeping.assembled(record, policy, list(policy.shares.all()), mirrored(pool))
    return SharesStatus(
        policy=policy,
        lines=lines_of(pool, shared),
        waits=waits_of(record, policy),
        acts=acts_of(record),
        exceptions=keeping.current_exceptions(record),
        asides=list(Aside.objects.filter(pool=record)),
    )


def mirrored(pool: PoolRow) -> Sight:
    """What the mirror knows, as the plan takes it."""
    live = [pod.facts for pod in pool.pods if pod.live]
    owner = next((pod.owner_uid for pod in live), "")
    meta = {"name": pool.name, "namespace": pool.namespace, "uid": pool.uid}
    deployment = {"metadata": meta, "spec": {"replicas": pool.replicas}}
    state = PoolState(deployment, ({"metadata": {"uid": owner}},), tuple(live), {})
    services = {
        tag: tuple(item.name for item in pool.services if item.business == tag) for tag in pool.businesses
    }
    return Sight(state, services, {})


def lines_of(pool: PoolRow, shared: Shared | None) -> list[ShareLine]:
    """A line per business, those without a share too, the stock last."""
    rules = {rule.business: rule for rule in shared.rules} if shared else {}
    names = sorted({*pool.businesses, *rules} - {labels.UNASSIGNED})
    return [line_of(pool, name, rules.get(name), shared) for name in (*names, labels.UNASSIGNED)]


def line_of(pool: PoolRow, business: str, rule: Rule | None, shared: Shared | None) -> ShareLine:
    """One business' line."""
    own = [pod.facts for pod in pool.pods if pod.live and pod.facts.business == business]
    return ShareLine(
        business=business,
        rule=rule,
        serving=sum(pod.ready for pod in own),
        held=len(shared.of(business)) if shared and rule else len(own),
        entitled=shared.entitled.get(business) if shared and rule else None,
    )


def waits_of(record: PoolRecord, policy: SharePolicy) -> list[str]:
    """What the reconciler said at its last look that it waits for."""
    turn = Turn.objects.filter(pool=record).first()
    return [str(words) for words in turn.waits] if turn and policy.active else []


def acts_of(record: PoolRecord) -> list[Intent]:
    """What the reconciler did last, the newest first."""
    made = Intent.objects.filter(pool=record, source=Source.RECONCILER)
    return list(made.order_by("-made_at")[:ACTS])
