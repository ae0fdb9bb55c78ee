"""One step of a rollout: look, do the one thing that is next, hold or release the Deployment."""

from datetime import timedelta

from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.gateways.kubernetes import Kubernetes
from apps.pools import draining
from apps.pools.models import Intent, PoolRecord, Rollout
from apps.pools.reconciler.acts import Act
from apps.pools.reconciler.sight import Sight
from apps.pools.rollouts import following, holding
from apps.pools.rollouts.planning import Rolling, in_doubt, lessened, must_hold, next_act, waits
from apps.pools.statuses import IntentState


def rolling_of(kubernetes: Kubernetes, rollout: Rollout, sight: Sight) -> Rolling:
    """The rollout as it stands. Asks the retiring pods for their requests."""
    retiring = [pod.uid for pod in sight.old if pod.business == labels.RETIRING]
    wanted = lessened(following.wanted(rollout), sight, rollout.gives_up)
    return Rolling(sight, wanted, idle_of(kubernetes, rollout, retiring))


def idle_of(kubernetes: Kubernetes, rollout: Rollout, uids: list[str]) -> frozenset[str]:
    """Those of the retiring pods that have nothing to do any more, or whose time is up."""
    made = Intent.objects.filter(
        pool_id=rollout.pool_id, pod_uid__in=uids, business=labels.RETIRING, state=IntentState.DONE
    ).select_related("pool")
    newest = {intent.pod_uid: intent for intent in made.order_by("serial")}
    limit = timedelta(seconds=rollout.timeout)
    known = {
        uid for uid, intent in newest.items() if draining.look_at(kubernetes, intent, timeout=limit).over
    }
    return frozenset(known | (set(uids) - newest.keys()))


def step(
    kubernetes: Kubernetes, record: PoolRecord, sight: Sight, *, corrected: bool
) -> tuple[Act | None, list[str]] | None:
    """What is to be done now in a rollout and what it waits for; None when none is under way. `corrected`:
    deletion costs were wrong until just now.

    Holds or releases the Deployment on the way. Raises GatewayError.
    """
    rollout = following.follow(record, sight)
    if rollout is None:
        holding.release(kubernetes, sight.state)
        return None
    if following.at_work(rollout, sight):
        return None, [_("The new version is on its way.")]
    rolling = rolling_of(kubernetes, rollout, sight)
    hold(kubernetes, rollout, rolling, corrected=corrected)
    if corrected:
        return None, [_("the cluster to know who has which pod")]
    act = next_act(rolling)
    if act is None and following.is_over(rollout, sight):
        following.end(rollout)
        return None
    return act, [*waits(rolling), *paused(sight)]


def hold(kubernetes: Kubernetes, rollout: Rollout, rolling: Rolling, *, corrected: bool) -> None:
    """Hold or release the Deployment, whichever it takes now."""
    firm = must_hold(rolling, corrected=corrected)
    if firm or in_doubt(rolling):
        holding.put(kubernetes, rolling.sight.state, rollout, firm=firm)
    else:
        holding.release(kubernetes, rolling.sight.state)


def paused(sight: Sight) -> list[str]:
    """That somebody else stopped the rollout, in words."""
    stopped = sight.state.deployment["spec"].get("paused") and not holding.mark_of(sight.state)
    words = _("somebody paused %(pool)s; it goes on when they resume it")
    return [words % {"pool": sight.state.name}] if stopped else []
