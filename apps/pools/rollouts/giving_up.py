"""Making room where no GPU and no pod is free: one business does with a pod less for a while."""

from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.gateways.kubernetes import Kubernetes
from apps.operations.run import Seen
from apps.pools.models import PoolRecord, Rollout
from apps.pools.reconciler.acts import Act, perform
from apps.pools.reconciler.sight import Sight, look
from apps.pools.refusals import Outdated
from apps.pools.rollouts import stepping


def give_up(kubernetes: Kubernetes, record: PoolRecord, rollout: Rollout | None, business: str) -> Seen:
    """Have one pod of the business retire, and look whether its last requests have ended."""
    sight = look(kubernetes, record)
    retiring = [pod for pod in sight.state.live if pod.business == labels.RETIRING]
    if not retiring and (act := choice(sight, business)):
        return begun(kubernetes, record, act, sight)
    if rollout is None or not retiring:
        return Seen(done=True)
    idle = stepping.idle_of(kubernetes, rollout, [pod.uid for pod in retiring])
    waiting = [pod.name for pod in retiring if pod.uid not in idle]
    return Seen(done=not waiting, text=_("the last requests of %(pods)s") % {"pods": ", ".join(waiting)})


def choice(sight: Sight, business: str) -> Act | None:
    """The pod that goes: one that does not serve, if there is one."""
    own = [pod for pod in sight.state.live if pod.business == business]
    if not own:
        return None
    pod = min(own, key=lambda item: (item.ready, item.name))
    return Act(pod.name, pod.uid, business, labels.RETIRING, _("Rollout: makes room for the first new pod."))


def begun(kubernetes: Kubernetes, record: PoolRecord, act: Act, sight: Sight) -> Seen:
    """Take it out of service; the pool may have changed under our eyes, then the next look decides."""
    try:
        perform(kubernetes, record, act, sight)
    except Outdated:
        return Seen(done=False, text=_("the pool is changing"))
    return Seen(done=False, text=act.words)
