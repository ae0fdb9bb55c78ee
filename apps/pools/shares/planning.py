"""What the reconciler does next to keep a pool's shares: pure, on one look, one pod at a time.

First who is below its floor, at once; then who has less than its share, after a while where that is a
weight; then pods that stay away from service are kept aside. Pods come from the free stock, then from those
above their share.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.pools.live_view import PodFacts
from apps.pools.reconciler.acts import Act
from apps.pools.reconciler.sight import Sight
from apps.pools.shares.entitlement import Rule, entitled

ASIDE = "aside"
"""The batch of a change that keeps a pod aside."""


@dataclass(frozen=True)
class Excepted:
    """A pod that a person lent elsewhere, `until` when where that is known."""

    uid: str
    origin: str
    business: str
    until: datetime | None = None


@dataclass(frozen=True)
class Shared:
    """A pool with shares at one moment. `aside`: uids of pods that wait for a person; `patience` and `dwell`
    in seconds. `goals`: where pods that are drained go, `since`: when pods came to their business, by uid.
    """

    sight: Sight
    rules: Sequence[Rule]
    aside: frozenset[str] = frozenset()
    exceptions: Sequence[Excepted] = ()
    patience: int = 60
    dwell: int = 120
    goals: Mapping[str, str] = field(default_factory=dict)
    since: Mapping[str, datetime] = field(default_factory=dict)

    @cached_property
    def pods(self) -> list[PodFacts]:
        """Live pods that the shares are about: those of businesses with a share, and the free ones."""
        known = {rule.business for rule in self.rules} | {labels.UNASSIGNED}
        return [
            pod for pod in self.sight.state.live if self.place(pod) in known and pod.uid not in self.aside
        ]

    def place(self, pod: PodFacts) -> str:
        """Whose the pod is; one that is drained for a business is that business' already."""
        return self.goals.get(pod.uid, pod.business)

    def of(self, business: str) -> list[PodFacts]:
        """A business' pods, but for those that stay away from service."""
        return [pod for pod in self.pods if self.place(pod) == business and not self.is_sick(pod)]

    def serving(self, business: str) -> int:
        """Its Ready pods."""
        return sum(pod.ready and pod.business == business for pod in self.pods)

    def is_sick(self, pod: PodFacts) -> bool:
        """Whether a lent pod has been away from service for too long."""
        if pod.ready or labels.is_reserved(pod.business):
            return False
        return away(pod, self.sight.now) >= timedelta(seconds=self.patience)

    @cached_property
    def entitled(self) -> dict[str, int]:
        """Pods per business, exceptions counted."""
        held = {rule.business: len(self.of(rule.business)) for rule in self.rules}
        counts = entitled(self.rules, len(self.pods), held)
        for item in self.valid_exceptions:
            giver = self.giver(counts, item)
            counts[giver] -= 1
            counts[item.business] = counts.get(item.business, 0) + 1
        return counts

    def giver(self, counts: Mapping[str, int], item: Excepted) -> str:
        """Who has one less while an exception lasts: where the pod came from, or whoever is farthest above
        its floor; the exception itself where nobody can.
        """
        above = {name: count - self.floor(name) for name, count in counts.items() if name != item.business}
        if above.get(item.origin, 0) > 0:
            return item.origin
        known = item.origin in above and item.origin != labels.UNASSIGNED
        best = max(above, key=lambda name: (above[name], name), default="")
        return best if above.get(best, 0) > 0 and not known else item.business

    @property
    def valid_exceptions(self) -> list[Excepted]:
        """Exceptions whose pod is still where it was lent to."""
        places = {pod.uid: self.place(pod) for pod in self.pods}
        return [item for item in self.exceptions if places.get(item.uid) == item.business]

    def without_exceptions(self, uids: Container[str]) -> "Shared":
        """The same as if nobody had made an exception for these pods: who moves one ends it."""
        return replace(self, exceptions=[item for item in self.exceptions if item.uid not in uids])

    def floor(self, business: str) -> int:
        """Serving pods that the business never falls below."""
        return next((rule.floor for rule in self.rules if rule.business == business), 0)

    def lacks(self, rule: Rule) -> int:
        """How many pods the business has less than its share."""
        return self.entitled[rule.business] - len(self.of(rule.business))

    def has_service(self, rule: Rule) -> bool:
        """Whether pods can be lent to the business; the stock takes any."""
        return rule.business == labels.UNASSIGNED or rule.business in self.sight.businesses


def away(pod: PodFacts, now: datetime) -> timedelta:
    """How long the pod has not been Ready; no time at all where the cluster does not say."""
    since = parse_datetime(pod.ready_changed) if pod.ready_changed else None
    return now - since if since else timedelta()


def next_act(shared: Shared) -> Act | None:
    """The one thing to do now, if there is one."""
    return below_floor(shared) or below_share(shared) or set_aside(shared) or give_back(shared)


def below_floor(shared: Shared) -> Act | None:
    """A pod for the business that lacks most of its floor."""
    short = [rule for rule in shared.rules if gap(shared, rule) > 0 and shared.has_service(rule)]
    for rule in sorted(short, key=lambda item: (-gap(shared, item), item.business)):
        if pod := spare(shared, rule):
            words = _("%(business)s is below its floor: %(serving)d of %(floor)d pods serve.")
            return act(shared, pod, rule, words % floor_facts(shared, rule))
    return None


def gap(shared: Shared, rule: Rule) -> int:
    """How many serving pods are missing to the floor."""
    return rule.floor - shared.serving(rule.business) - coming(shared, rule.business)


def coming(shared: Shared, business: str) -> int:
    """Pods that are being drained for the business."""
    return sum(pod.business != business and shared.place(pod) == business for pod in shared.pods)


def floor_facts(shared: Shared, rule: Rule) -> dict[str, object]:
    """The numbers of a floor, for sentences."""
    return {"business": rule.business, "serving": shared.serving(rule.business), "floor": rule.floor}


def below_share(shared: Shared) -> Act | None:
    """A pod for the business that has least of its share."""
    short = [rule for rule in shared.rules if shared.lacks(rule) > 0 and shared.has_service(rule)]
    for rule in sorted(short, key=lambda item: (-shared.lacks(item), item.business)):
        pod = spare(shared, rule) if is_due(shared, rule) else None
        if pod:
            return act(shared, pod, rule, reason(shared, rule))
    return None


def is_due(shared: Shared, rule: Rule) -> bool:
    """Whether the share may be restored now: a weight has to be missed for a while, unless pods are sick."""
    if rule.weight is None or sick_of(shared, rule.business):
        return True
    return bool(rule.missed_since and shared.sight.now - rule.missed_since >= timedelta(seconds=shared.dwell))


def sick_of(shared: Shared, business: str) -> list[PodFacts]:
    """The business' pods that stay away from service."""
    return [pod for pod in shared.pods if pod.business == business and shared.is_sick(pod)]


def reason(shared: Shared, rule: Rule) -> str:
    """Why a business gets a pod."""
    if sick := sick_of(shared, rule.business):
        words = _("Takes the place of %(pod)s, which is not Ready (%(state)s).")
        return words % {"pod": sick[0].name, "state": sick[0].state}
    words = _("%(business)s has %(count)d of %(share)d pods.")
    facts = {"count": len(shared.of(rule.business)), "share": shared.entitled[rule.business]}
    return words % {"business": rule.business, **facts}


def spare(shared: Shared, rule: Rule) -> PodFacts | None:
    """A Ready pod for the rule's business: a free one, else one of whoever has most above its share."""
    usable = [pod for pod in shared.pods if movable(shared, pod)]
    free = [pod for pod in usable if pod.business == labels.UNASSIGNED and rule.business != labels.UNASSIGNED]
    if free:
        return min(free, key=lambda pod: pod.name)
    others = [
        pod
        for pod in usable
        if pod.business not in (rule.business, labels.UNASSIGNED)
        and surplus(shared, pod) > 0
        and shared.serving(pod.business) > shared.floor(pod.business)
    ]
    return min(others, key=lambda pod: (-surplus(shared, pod), pod.business, pod.name), default=None)


def surplus(shared: Shared, pod: PodFacts) -> int:
    """How many pods its business has above its share."""
    return len(shared.of(pod.business)) - shared.entitled.get(pod.business, 0)


def movable(shared: Shared, pod: PodFacts) -> bool:
    """Whether the pod could serve elsewhere at once, and nobody else is about to move it."""
    excepted = {item.uid for item in shared.valid_exceptions}
    known = pod.uid not in shared.sight.pending and pod.uid not in shared.goals and pod.uid not in excepted
    return known and pod.ready and pod.node not in shared.sight.closed


def set_aside(shared: Shared) -> Act | None:
    """A sick pod whose place others have taken."""
    for rule in shared.rules:
        sick = [pod for pod in sick_of(shared, rule.business) if pod.uid not in shared.sight.pending]
        if sick and shared.lacks(rule) <= 0:
            why = _("Replaced and kept aside: it has not been Ready for %(seconds)d s (%(state)s).")
            facts = {"seconds": away(sick[0], shared.sight.now).total_seconds(), "state": sick[0].state}
            return Act(sick[0].name, sick[0].uid, rule.business, labels.UNASSIGNED, why % facts, batch=ASIDE)
    return None


def give_back(shared: Shared) -> Act | None:
    """What came last to a business with more than its number of pods returns to the stock after a while, as
    a spare does when the pod whose place it took is back; not while somebody lacks one.
    """
    if any(shared.lacks(rule) > 0 for rule in shared.rules):
        return None
    for rule in shared.rules:
        above = shared.serving(rule.business) - max(shared.entitled[rule.business], rule.floor)
        if rule.count is None or rule.business == labels.UNASSIGNED or above <= 0:
            continue
        if lent := [pod for pod in shared.of(rule.business) if is_settled(shared, pod)]:
            last = max(lent, key=lambda pod: (shared.since[pod.uid], pod.name))
            why = _("%(business)s has more than its %(share)d pods.")
            facts = {"business": rule.business, "share": shared.entitled[rule.business]}
            return Act(last.name, last.uid, rule.business, labels.UNASSIGNED, why % facts)
    return None


def is_settled(shared: Shared, pod: PodFacts) -> bool:
    """Whether a pod may leave and has been where it is for the dwell time."""
    since = shared.since.get(pod.uid)
    stayed = since is not None and shared.sight.now - since >= timedelta(seconds=shared.dwell)
    return stayed and movable(shared, pod)


def act(shared: Shared, pod: PodFacts, rule: Rule, why: str) -> Act:
    """The pod goes to the rule's business."""
    return Act(pod.name, pod.uid, pod.business, rule.business, why)


def waits(shared: Shared) -> list[str]:
    """What cannot be done now, in words."""
    return [words for rule in shared.rules if (words := waits_for(shared, rule))]


def waits_for(shared: Shared, rule: Rule) -> str:
    """Why a business still lacks pods; empty when it does not."""
    facts = {**floor_facts(shared, rule), "share": shared.entitled[rule.business], "dwell": shared.dwell}
    facts["count"] = len(shared.of(rule.business))
    if gap(shared, rule) <= 0 and shared.lacks(rule) <= 0:
        return ""
    if not shared.has_service(rule):
        return _("%(business)s has no business service.") % facts
    if gap(shared, rule) > 0:
        return (
            _("%(business)s: %(serving)d of its floor of %(floor)d pods serve; no Ready pod is left for it.")
            % facts
        )
    if not is_due(shared, rule):
        return _("%(business)s: %(count)d of %(share)d pods; it gets more after %(dwell)d s.") % facts
    return _("%(business)s: %(count)d of %(share)d pods; no Ready pod is left for it.") % facts
