"""Sharing a pool's pods out by ratio: what it would do, and doing it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.audit.actions import action, note
from apps.audit.entries import Target
from apps.clusters.connections import connect
from apps.operations import services
from apps.operations.models import Operation
from apps.pools.actions import DRAIN_SECONDS, LONGEST, SHORTEST, BadTimeout
from apps.pools.distribution import runner
from apps.pools.distribution.batch import plain
from apps.pools.distribution.plan import Plan, make
from apps.pools.distribution.wanted import Wanted
from apps.pools.handover import rules
from apps.pools.handover.records import record_of
from apps.pools.models import Holding, PoolRecord
from apps.pools.permissions import ASSIGN
from apps.pools.refusals import NeedsForce, PoolProblem
from apps.pools.shares import batches
from apps.pools.shares.asking import NO_ANSWER, Answer
from apps.pools.targets import PoolTarget

TOLD = 3


class StalePlan(PoolProblem):
    """The pool is not the one that the plan was made from."""

    problem_code = "stale_plan"


@dataclass(frozen=True)
class How:
    """`plan`: the preview that the person saw, "" for none; `force` answers its questions; `drain` waits for
    running requests, `timeout` seconds per pod at most. `share`: what becomes of the pool's shares.
    """

    plan: str = ""
    force: bool = False
    drain: bool = True
    timeout: int = DRAIN_SECONDS
    key: str = ""
    share: Answer = NO_ANSWER


@dataclass(frozen=True)
class Begun:
    """A plan, and the operation that carries it out: None when there is nothing to do."""

    plan: Plan
    operation: Operation | None


@action(
    "pools.distribute_pods", permission=ASSIGN, target="pool", label=_lazy("Distribute pods"), atomic=False
)
def distribute_pods(*, pool: PoolTarget, wanted: Wanted, how: How | None = None) -> Begun:
    """Share the pods out. Raises BadRatios, StalePlan, NeedsForce and other PoolProblems in words, Busy,
    GatewayError.
    """
    how = how or How()
    check_timeout(how.timeout)
    record = record_of(pool.cluster_id, pool.namespace, pool.name)
    plan = preview(pool, wanted)
    note(before=plan.before)
    check_plan(record, plan, how)
    note(after=plan.after)
    if not plan.moves:
        return Begun(plan, None)
    with transaction.atomic():
        return Begun(plan, start(pool, record, plan, how))


def preview(pool: PoolTarget, wanted: Wanted) -> Plan:
    """What a distribution would do, asked of the cluster. Raises as the action."""
    kubernetes = connect(pool.cluster_id).kubernetes
    return make(kubernetes, record_of(pool.cluster_id, pool.namespace, pool.name), wanted)


def start(pool: PoolTarget, record: PoolRecord, plan: Plan, how: How) -> Operation:
    """Its target is the Deployment, as of all work on it: one of them at a time."""
    return services.start(
        runner.distribute,
        target=Target(kind="deployment", name=pool.name, cluster=pool.cluster, namespace=pool.namespace),
        key=how.key,
        pool_id=record.pk,
        moves=plain(plan.moves),
        floors=dict(plan.floors),
        drain=how.drain,
        timeout=how.timeout,
        force=how.force,
        share=answered(plan.strays, how.share),
    )


def answered(strays: Sequence[str], answer: Answer) -> dict[str, Any]:
    """An answer about the shares as an operation's parameter (batch.py); none where nothing was asked."""
    return {"how": answer.how if strays else "", "minutes": answer.minutes, "strays": list(strays)}


def check_timeout(timeout: int) -> None:
    """Raise BadTimeout out of bounds."""
    if not SHORTEST <= timeout <= LONGEST:
        raise BadTimeout(_("A drain takes 5 to 3600 seconds."))


def check_plan(record: PoolRecord, plan: Plan, how: How) -> None:
    """The plan must be the one that was seen, and its questions answered."""
    seen, _separator, since = how.plan.partition("@")
    if seen and seen != plan.version:
        raise StalePlan(changed(record, since))
    if plan.questions and not how.force:
        raise NeedsForce(" ".join(plan.questions))
    batches.check_answer(plan.strays, how.share)


def token(plan: Plan) -> str:
    """What a preview carries: the pool's version and when it was read."""
    return f"{plan.version}@{timezone.now().isoformat()}"


def changed(record: PoolRecord, since: str) -> str:
    """What has changed hands since a moment, in words."""
    words = _("The pool has changed since this plan was made; look at the new one.")
    begin = parse_moment(since)
    if begin is None:
        return words
    news = Holding.objects.filter(pool=record, from_at__gte=begin).order_by("-from_at")[:TOLD]
    told = [_("%(pod)s is %(place)s now (%(who)s).") % facts_of(holding) for holding in news]
    return " ".join([words, *told])


def parse_moment(text: str) -> datetime | None:
    """A moment that came back from a page; None for anything else."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def facts_of(holding: Holding) -> dict[str, str]:
    """An interval in words."""
    who = holding.by or str(holding.get_source_display())
    return {"pod": holding.pod_name, "place": rules.place(holding.business), "who": who}
