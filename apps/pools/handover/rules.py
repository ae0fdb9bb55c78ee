"""The rules of a change of hands, on what the cluster says at this moment: pure, so each can be tried."""

from collections.abc import Set

from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.pools.handover.wish import Wish
from apps.pools.live_view import PodFacts, PoolView
from apps.pools.refusals import Moved, NeedsForce, NodeDraining, NotLive, UnknownBusiness, UnknownPod
from apps.pools.scaling.names import is_detached


def find(wish: Wish, view: PoolView) -> PodFacts:
    """The pod of the wish, or UnknownPod."""
    pod = view.pod(wish.pod)
    if pod is None:
        raise UnknownPod(_("%(pod)s is not a pod of %(pool)s.") % {"pod": wish.pod, "pool": view.name})
    return pod


def check_wish(wish: Wish, view: PoolView, pod: PodFacts) -> None:
    """Raise the PoolProblem that says why not; what needs `force` is left to `check_harm`."""
    check_word(wish, view)
    if is_detached(pod):
        raise Moved(_("%(pod)s is being scaled away.") % {"pod": pod.name})
    check_live(wish, pod, view)
    if pod.business == wish.business:
        raise Moved(_("%(pod)s is %(place)s already.") % {"pod": pod.name, "place": place(pod.business)})
    if labels.is_reserved(pod.business) and pod.business != labels.UNASSIGNED and not wish.internal:
        raise Moved(
            _("%(pod)s is being drained; wait for it or cancel that operation first.") % {"pod": pod.name}
        )
    if wish.business in view.businesses and pod.node in view.draining_nodes:
        words = _("%(node)s takes no new work (it is cordoned), so %(pod)s is not lent out now.")
        raise NodeDraining(words % {"node": pod.node, "pod": pod.name})


def check_word(wish: Wish, view: PoolView) -> None:
    """The business must be a service of this pool, or `unassigned`."""
    if wish.business == labels.UNASSIGNED or wish.business in view.businesses:
        return
    if wish.internal and labels.is_reserved(wish.business):
        return
    if labels.is_reserved(wish.business):
        raise UnknownBusiness(_("“%(word)s” is a reserved word, not a business.") % {"word": wish.business})
    known = ", ".join(sorted(view.businesses)) or _("none yet")
    words = _("%(pool)s has no business service “%(word)s”. It has: %(known)s.")
    raise UnknownBusiness(words % {"pool": view.name, "word": wish.business, "known": known})


def check_live(wish: Wish, pod: PodFacts, view: PoolView) -> None:
    """Only a pod that the pool's current version runs can be lent; one of an earlier version can retire, and
    a drain that was under way when the new version came can end.
    """
    ends = wish.business == labels.RETIRING or pod.business == labels.DRAINING
    if view.live(pod) or (wish.internal and pod.alive and ends):
        return
    if pod.alive:
        raise NotLive(_("%(pod)s belongs to an earlier version of the pool.") % {"pod": pod.name})
    raise NotLive(_("%(pod)s cannot be lent: it is %(state)s.") % {"pod": pod.name, "state": pod.state})


def check_harm(wish: Wish, view: PoolView, pod: PodFacts, leaving: Set[str]) -> None:
    """Raise NeedsForce where the change would take a business' last serving pod, or lend a pod that is not
    Ready.

    `leaving` holds the uids of pods that other changes under way are taking away.
    """
    if wish.force:
        return
    if wish.business in view.businesses and not pod.ready:
        raise NeedsForce(_("%(pod)s is not Ready (%(state)s).") % {"pod": pod.name, "state": pod.state})
    if pod.business not in view.businesses or not pod.ready:
        return
    others = [
        other for other in view.serving(pod.business) if other.uid != pod.uid and other.uid not in leaving
    ]
    if not others:
        words = _("%(pod)s is the last pod that serves %(business)s.")
        raise NeedsForce(words % {"pod": pod.name, "business": pod.business})


def place(business: str) -> str:
    """Where a pod is, in words."""
    if business == labels.UNASSIGNED:
        return _("free")
    if business == labels.DRAINING:
        return _("being drained")
    if business == labels.RETIRING:
        return _("being scaled away")
    return _("lent to %(business)s") % {"business": business}
