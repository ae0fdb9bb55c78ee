"""Asking for another version of a pool: from its page, the API, or inference's own way through the guard."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.audit.actions import action, note
from apps.audit.entries import Target
from apps.clusters.connections import connect
from apps.inference.targets import DeploymentTarget
from apps.operations import services
from apps.operations.models import Operation
from apps.pools.handover.records import record_of
from apps.pools.permissions import ROLL_OUT
from apps.pools.refusals import PoolProblem
from apps.pools.rollouts.plan import Plan, plan
from apps.pools.rollouts.runner import How, StalePlan, roll_out
from apps.pools.rollouts.wishes import VersionWish
from apps.pools.targets import PoolTarget

SHORTEST, LONGEST = 5, 3600
WATCHED = 5
"""The fewest seconds for a new pod that people may choose: below, its controller may take the next old pod
before the reconciler, which looks every second, has held it.
"""


class BadTime(PoolProblem):
    """A time outside of its bounds."""

    problem_status = 422
    problem_code = "invalid"


@dataclass(frozen=True)
class Begun:
    """A plan, and the operation that carries it out."""

    plan: Plan
    operation: Operation


@action("pools.roll_out", permission=ROLL_OUT, target="pool", label=_lazy("Roll out pool"), atomic=False)
def roll_out_pool(*, pool: PoolTarget, wish: VersionWish, how: How | None = None, key: str = "") -> Begun:
    """Replace every pod by one of the wished version; each business keeps its pods.

    Raises VersionProblem with its field, CannotRollOut, NeedsRoom, StalePlan, Busy, GatewayError.
    """
    how = how or How()
    check_times(how)
    place = (pool.cluster_id, pool.namespace, pool.name)
    found = preview(place, wish, how)
    target = Target(kind="deployment", name=pool.name, cluster=pool.cluster, namespace=pool.namespace)
    with transaction.atomic():
        return Begun(found, begin(place, target, wish, how, found, key=key))


def restart_handler(*, deployment: DeploymentTarget, key: str = "", **_rest: Any) -> Operation:
    """The handler for `restart` on a pool: a rollout of the same version."""
    place = (deployment.cluster_id, deployment.namespace, deployment.name)
    wish, how = VersionWish(restart=timezone.now().isoformat()), How()
    found = preview(place, wish, how)
    return begin(place, deployment.audit_target(), wish, how, found, key=key)


def check_times(how: How) -> None:
    """Raise BadTime out of bounds."""
    if not SHORTEST <= how.timeout <= LONGEST:
        raise BadTime(_("The last requests get 5 to 3600 seconds."))
    if how.settle is not None and not 0 <= how.settle <= LONGEST:
        raise BadTime(_("A new pod is watched for 0 to 3600 seconds."))


def preview(place: tuple[int, str, str], wish: VersionWish, how: How) -> Plan:
    """What it would do, asked of the cluster. Raises as the action."""
    found = plan(connect(place[0]).kubernetes, record_of(*place), wish, gives_up=how.gives_up)
    if how.seen and how.seen != found.version:
        raise StalePlan(_("The pool has changed since this was planned; look at the new plan."))
    return found


def begin(
    place: tuple[int, str, str], target: Target, wish: VersionWish, how: How, found: Plan, *, key: str
) -> Operation:
    """Start the operation. Its target is the Deployment, as of all work on it: one of them at a time."""
    note(
        before={item.what: item.before for item in found.changes},
        after={item.what: item.after for item in found.changes},
    )
    seen = {**asdict(how), "gives_up": found.gives_up, "seen": found.version}
    return services.start(
        roll_out, target=target, key=key, pool_id=record_of(*place).pk, wish=asdict(wish), how=seen
    )
