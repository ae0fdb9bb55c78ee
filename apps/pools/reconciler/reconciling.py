"""The reconciler at one pool: look, do one thing, look again, until there is nothing to do.

Two of them at once do no harm: each act names the count of decisions that its look rests on, and under the
pool's lock only one of two gets its way.
"""

from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.utils.translation import gettext as _

from apps.gateways.kubernetes import Kubernetes
from apps.pools.models import PoolRecord
from apps.pools.reconciler import deletion_costs
from apps.pools.reconciler.acts import Act, perform
from apps.pools.reconciler.sight import Sight, look
from apps.pools.refusals import PoolProblem, Unsettled
from apps.pools.rollouts import stepping
from apps.pools.shares import keeping, planning
from apps.pools.shares.moments import next_moment

logger = structlog.get_logger(__name__)
MOST = 30
"""So many acts in one turn; other pools wait meanwhile."""


@dataclass
class Report:
    """What a turn did and what the pool waits for. `more`: there may be something left to do at once;
    `again`: when there may be without any news.
    """

    done: list[Act] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    more: bool = False
    again: datetime | None = None


@dataclass(frozen=True)
class Step:
    """What is to be done now, what is waited for, and when to look again without any news."""

    act: Act | None = None
    waits: list[str] = field(default_factory=list)
    again: datetime | None = None


def reconcile(kubernetes: Kubernetes, record: PoolRecord, *, most: int = MOST) -> Report:
    """A turn at a pool. Raises UnknownPool, GatewayError."""
    report = Report()
    for _look in range(most):
        sight = look(kubernetes, record)
        step = next_step(kubernetes, record, sight)
        report.waits, report.again = step.waits, step.again
        if step.act is None:
            return report
        if not attempt(kubernetes, record, step.act, sight, report):
            return report
    report.more = True
    return report


def next_step(kubernetes: Kubernetes, record: PoolRecord, sight: Sight) -> Step:
    """What comes next. A rollout goes before shares."""
    keeping.tidy(record, sight)
    corrected = deletion_costs.correct(kubernetes, sight.state.pods)
    rollout = stepping.step(kubernetes, record, sight, corrected=corrected)
    if rollout is not None:
        return Step(*rollout)
    return share_step(record, sight)


def share_step(record: PoolRecord, sight: Sight) -> Step:
    """The same for shares, where they are switched on and no operation has the pool."""
    policy = keeping.policy_of(record)
    if policy is None or not policy.active:
        return Step()
    if owner := keeping.owner_of(record):
        words = _("%(who)s is at work on the pool: %(title)s.")
        return Step(waits=[words % {"who": owner.actor_name, "title": owner.title}])
    shared = keeping.shared_of(record, policy, sight)
    return Step(planning.next_act(shared), planning.waits(shared), next_moment(shared))


def attempt(kubernetes: Kubernetes, record: PoolRecord, act: Act, sight: Sight, report: Report) -> bool:
    """Do it; False when there is no point in going on now."""
    keeping.announce(record, act)
    try:
        perform(kubernetes, record, act, sight)
    except Unsettled as error:
        report.waits = [str(error)]
        return False
    except PoolProblem as error:
        logger.info("reconciler_refused", pool=str(record), pod=act.pod, error=str(error))
        report.waits = [str(error)]
        report.more = True
        return False
    report.done.append(act)
    logger.info("reconciler_acted", pool=str(record), act=act.words, why=act.why)
    return True
