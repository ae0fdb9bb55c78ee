"""What comes next in a rollout: pure, on one look, so that it may begin anew after any death.

The pods of the old version leave one by one, each only after a pod of the new one has taken its place:

    new pod Ready and free ─▶ lent ─▶ listed by the endpoints ─▶ an old pod of that business retires

Nothing is remembered between two looks but how many pods each business is to keep (`wanted`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.pools.live_view import PodFacts
from apps.pools.reconciler.acts import Act
from apps.pools.reconciler.sight import Sight
from apps.pools.rollouts.pace import is_endless, wished
from apps.pools.scaling.state import PoolState

QUICK = 10
"""Seconds of minReadySeconds below which a starting pod counts as Ready already: it may be so any moment."""


@dataclass(frozen=True)
class Rolling:
    """A rollout at one moment. `wanted`: pods per business; `idle`: uids of retiring pods whose requests have
    ended.
    """

    sight: Sight
    wanted: Mapping[str, int]
    idle: frozenset[str] = frozenset()

    @property
    def old(self) -> tuple[PodFacts, ...]:
        """Pods of earlier versions, those whose turn comes first first: not Ready, free, then lent."""
        return tuple(sorted(self.sight.old, key=lambda pod: (pod.ready, is_lent(pod), pod.name)))

    @property
    def new(self) -> tuple[PodFacts, ...]:
        """Pods of the version that is rolled out."""
        return self.sight.state.live

    def count(self, pods: tuple[PodFacts, ...], business: str) -> int:
        """How many of them the business has."""
        return sum(pod.business == business for pod in pods)


def is_lent(pod: PodFacts) -> bool:
    """Whether a business has the pod, or will when its drain has ended."""
    return pod.business not in (labels.UNASSIGNED, labels.RETIRING, "")


def next_act(rolling: Rolling) -> Act | None:
    """The one thing to do now, if there is one."""
    return bring_back(rolling) or lend(rolling) or retire(rolling) or even_out(rolling)


def bring_back(rolling: Rolling) -> Act | None:
    """A pod that retired and is of the newest version (again): somebody rolled back. Not while a scale-down
    stands on the Deployment: it chose its pods itself, and puts right what it leaves.
    """
    if rolling.sight.state.mark:
        return None
    for pod in rolling.new:
        if pod.business == labels.RETIRING and pod.uid not in rolling.sight.pending:
            why = _("Its version is the one that is rolled out now.")
            return Act(pod.name, pod.uid, labels.RETIRING, labels.UNASSIGNED, why)
    return None


def lend(rolling: Rolling) -> Act | None:
    """The next free pod of the new version goes to the business that needs it most."""
    stock = [pod for pod in rolling.new if usable(rolling, pod)]
    business = neediest(rolling) if stock else ""
    if not business:
        return None
    pod = min(stock, key=lambda item: item.name)
    leaving = next((item.name for item in rolling.old if item.business == business), "")
    words = (
        _("Rollout: takes the place of %(old)s.") if leaving else _("Rollout: %(business)s has lost a pod.")
    )
    why = words % {"old": leaving, "business": business}
    return Act(pod.name, pod.uid, labels.UNASSIGNED, business, why)


def usable(rolling: Rolling, pod: PodFacts) -> bool:
    """Whether a new pod can be lent now."""
    sight = rolling.sight
    free = pod.business == labels.UNASSIGNED and pod.uid not in sight.pending
    return free and pod.ready and pod.node not in sight.closed


def neediest(rolling: Rolling) -> str:
    """The business that lacks most; then one with an old pod that is not Ready; then the one with the most
    old pods; "" when all have new ones.
    """
    found = []
    for business, wanted in sorted(rolling.wanted.items()):
        new, old = rolling.count(rolling.new, business), rolling.count(rolling.old, business)
        if business in rolling.sight.businesses and new < wanted and new + old <= wanted:
            sick = sum(not pod.ready for pod in rolling.old if pod.business == business)
            found.append((new + old - wanted, -sick, -old, business))
    return min(found)[-1] if found else ""


def retire(rolling: Rolling) -> Act | None:
    """An old pod of a business that new pods serve already, by its endpoints, or that no service has."""
    for pod in rolling.old:
        business = pod.business
        if not is_lent(pod) or labels.is_reserved(business) or pod.uid in rolling.sight.pending:
            continue
        served = len(served_by_new(rolling, business))
        wanted = rolling.wanted.get(business, 0) if business in rolling.sight.businesses else 0
        if served + rolling.count(rolling.old, business) > wanted:
            why = _("Rollout: its successor serves %(business)s.") % {"business": business}
            return Act(pod.name, pod.uid, business, labels.RETIRING, why)
    return None


def even_out(rolling: Rolling) -> Act | None:
    """A new pod that a business has beyond what it is to keep goes to one that lacks it, when no free pod
    will come. People who move pods of both versions can make it so; the last old pods would stay for ever.
    """
    free = any(pod.business == labels.UNASSIGNED for pod in rolling.new)
    more = len(rolling.new) < rolling.sight.state.replicas and not must_hold(rolling)
    if free or more:
        return None
    business = neediest(rolling)
    spare = [pod for pod in rolling.new if business and is_spare(rolling, pod)]
    if not spare:
        return None
    pod = min(spare, key=lambda item: item.name)
    why = _("Rollout: %(origin)s has more pods than it is to keep, %(business)s has less.")
    words = why % {"origin": pod.business, "business": business}
    return Act(pod.name, pod.uid, pod.business, business, words)


def is_spare(rolling: Rolling, pod: PodFacts) -> bool:
    """Whether a new pod's business has more new pods than it is to keep, and this one can go."""
    business, sight = pod.business, rolling.sight
    known = business in sight.businesses and pod.uid not in sight.pending
    lendable = pod.ready and pod.node not in sight.closed
    return known and lendable and rolling.count(rolling.new, business) > rolling.wanted.get(business, 0)


def served_by_new(rolling: Rolling, business: str) -> list[PodFacts]:
    """New pods that the business' endpoints list."""
    listed = rolling.sight.listed.get(business, frozenset())
    return [pod for pod in rolling.sight.serving(business) if pod.uid in listed]


def must_hold(rolling: Rolling, *, corrected: bool = False) -> bool:
    """Whether the Deployment's controller could now take an old pod that is lent or still has requests;
    `corrected`: it may still know them by other costs.
    """
    if (rolling.sight.state.deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
        return False  # it ends every old pod before it makes a new one; holding it would only stop it
    expendable = [pod for pod in rolling.old if may_go(rolling, pod)]
    safe = 0 if corrected else len(expendable)
    return len(expendable) < len(rolling.old) and removable(rolling) > safe


def in_doubt(rolling: Rolling) -> bool:
    """Whether another version that came now would end lent pods at once, while old ones are left."""
    return bool(rolling.old) and is_fresh(rolling.sight.state)


def is_fresh(state: PoolState) -> bool:
    """Whether a lent pod serves that its controller does not count as available yet: a new version ends such
    pods first, before anything takes their place.

    An earlier version that was given up in the last step of its rollout is left out: no controller ends its
    ReplicaSet's endless `minReadySeconds` any more, so there is nothing to wait for.
    """
    return any(
        any(map(is_lent, ready)) and is_behind(item, len(ready))
        for item in state.sets
        if (ready := [pod for pod in state.pods if pod.owner_uid == item["metadata"]["uid"] and serves(pod)])
        and (item is state.newest or not is_endless(item))
    )


def serves(pod: PodFacts) -> bool:
    """Whether a pod is there and Ready."""
    return pod.alive and pod.ready


def is_behind(replicaset: Mapping[str, Any], ready: int) -> bool:
    """Whether a ReplicaSet counts fewer available pods than are Ready."""
    return int((replicaset.get("status") or {}).get("availableReplicas", 0)) < ready


def may_go(rolling: Rolling, pod: PodFacts) -> bool:
    """Whether nobody misses an old pod."""
    return pod.business in (labels.UNASSIGNED, "") or pod.uid in rolling.idle


def removable(rolling: Rolling) -> int:
    """How many old pods the controller may take as soon as the new ones count as available."""
    state = rolling.sight.state
    coming = [pod for pod in rolling.new if pod.ready or min_ready_seconds(state.deployment) < QUICK]
    ready = len(coming) + sum(pod.ready for pod in rolling.old)
    return min(len(rolling.old), max(0, ready - (state.replicas - max_unavailable(state.deployment))))


def min_ready_seconds(deployment: Mapping[str, Any]) -> int:
    """Seconds after which a Ready pod counts as available, as people wish it."""
    return wished(deployment)[0]


def max_unavailable(deployment: Mapping[str, Any]) -> int:
    """How many pods a rollout may take before others are there; a share is rounded down, as upstream does."""
    update = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    size = int(deployment["spec"].get("replicas", 1))
    taken = part_of(update.get("maxUnavailable", "25%"), size, up=False)
    return taken if max_surge(deployment) else max(1, taken)


def part_of(text: object, size: int, *, up: bool) -> int:
    """A number, or percents of a size."""
    words = str(text)
    if not words.endswith("%"):
        return int(words)
    hundredths = int(words[:-1]) * size
    return -(-hundredths // 100) if up else hundredths // 100


def lessened(wanted: Mapping[str, int], sight: Sight, gives_up: str = "") -> dict[str, int]:
    """The wanted pods while old ones are left: where no pod may come before one goes and none is free, one
    business has a pod less until the end: `gives_up`, else the one with the most. Never more than there will
    be: while two versions are there, people may have lent more.
    """
    counts = dict(wanted)
    while sum(counts.values()) > sight.state.replicas and any(counts.values()):
        counts[most_of(counts)] -= 1
    tight = not max_surge(sight.state.deployment) and sum(counts.values()) >= sight.state.replicas
    if sight.old and counts and tight:
        counts[gives_up if gives_up in counts else most_of(counts)] -= 1
    return counts


def most_of(counts: Mapping[str, int]) -> str:
    """The business with the most pods."""
    return max(counts, key=lambda name: (counts[name], name))


def max_surge(deployment: Mapping[str, Any]) -> int:
    """How many pods a rollout may make before others go; a share is rounded up, as upstream does."""
    update = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    size = int(deployment["spec"].get("replicas", 1))
    return part_of(update.get("maxSurge", "25%"), size, up=True)


def waits(rolling: Rolling) -> list[str]:
    """What the rollout waits for, in words."""
    starting = [pod for pod in rolling.new if not pod.ready]
    leaving = [pod for pod in rolling.old if pod.business == labels.RETIRING and pod.uid not in rolling.idle]
    unlisted = [
        pod
        for pod in rolling.new
        if is_lent(pod) and pod.ready and pod.uid not in rolling.sight.listed.get(pod.business, frozenset())
    ]
    return [
        *(_("%(pod)s: %(state)s") % {"pod": pod.name, "state": pod.state} for pod in starting),
        *(
            _("the endpoints of %(business)s do not list %(pod)s yet")
            % {"business": pod.business, "pod": pod.name}
            for pod in unlisted
        ),
        *(_("the last requests of %(pod)s") % {"pod": pod.name} for pod in leaving),
        *([_("lent pods to be Ready for minReadySeconds")] if in_doubt(rolling) else []),
    ]
