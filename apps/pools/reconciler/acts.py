"""What the reconciler does: one change of hands at a time, refused when the pool changed since the look."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.gateways.kubernetes import Kubernetes
from apps.pools.handover import rules
from apps.pools.handover.moving import change_hands
from apps.pools.handover.wish import Wish
from apps.pools.models import Intent, PoolRecord
from apps.pools.reconciler.sight import Sight
from apps.pools.statuses import Source

NAME = "reconciler"


@dataclass(frozen=True)
class Act:
    """A pod that is to go from `origin` to `business`, and why."""

    pod: str
    uid: str
    origin: str
    business: str
    why: str
    batch: str = ""

    @property
    def words(self) -> str:
        """ "pod-1: free → lent to production"."""
        places = {"pod": self.pod, "origin": rules.place(self.origin), "place": rules.place(self.business)}
        return _("%(pod)s: %(origin)s → %(place)s") % places


def perform(kubernetes: Kubernetes, record: PoolRecord, act: Act, sight: Sight) -> Intent:
    """Do it. Raises PoolProblem (Outdated when the look is not true any more), GatewayError."""
    reserved = (labels.RETIRING, labels.DRAINING)
    wish = Wish(
        pod=act.pod,
        origin=act.origin,
        business=act.business,
        force=True,
        internal=act.origin in reserved or act.business in reserved,
        source=Source.RECONCILER,
        batch=act.batch,
        reason=act.why,
        basis=sight.moves,
        by=NAME,
    )
    return change_hands(kubernetes, record, wish)
