"""Several pods in one move: one batch, one answer per pod, since some may go while others may not."""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts import policy
from apps.accounts.models import User
from apps.clusters.connections import connect
from apps.gateways import labels
from apps.gateways.errors import GatewayError
from apps.operations.models import Operation
from apps.operations.services import Busy
from apps.pools import actions
from apps.pools.engine import busy
from apps.pools.live_view import look
from apps.pools.permissions import ASSIGN
from apps.pools.refusals import NeedsForce, PoolProblem
from apps.pools.shares.asking import NO_ANSWER, Answer
from apps.pools.targets import PodTarget, PoolTarget

MOST = 50
AT_ONCE = 8


@dataclass(frozen=True)
class Wanted:
    """These pods to that business. `pods` are names with what the person saw them lent to (None: not said).

    `how` is `auto` (drained where requests run), `now` or `drained`; `timeout` in seconds is of a drain;
    `share` says what becomes of the pool's shares.
    """

    pods: Sequence[tuple[str, str | None]]
    business: str
    how: str = "auto"
    timeout: int = actions.DRAIN_SECONDS
    force: bool = False
    reason: str = ""
    share: Answer = NO_ANSWER


@dataclass(frozen=True)
class Outcome:
    """What became of one pod: `state` is done, draining or refused; `ask` says that `force` would answer."""

    pod: str
    state: str
    words: str
    code: str = ""
    ask: bool = False
    operation: int | None = None


@dataclass(frozen=True)
class Moves:
    """A batch and its outcomes, in the order in which the pods were named."""

    batch: str
    outcomes: list[Outcome]

    @property
    def any_done(self) -> bool:
        """Whether at least one pod moved or is on its way."""
        return any(outcome.state != "refused" for outcome in self.outcomes)


def move_pods(*, by: User, pool: PoolTarget, wanted: Wanted) -> Moves:
    """Move pods one after the other. Raises PermissionDenied; GatewayError when the pool is unreadable."""
    may = policy.may(by, ASSIGN, cluster=pool.cluster)  # else the first action refuses, and audits that
    names = [name for name, _origin in wanted.pods]
    drained = set(names) if wanted.how == "drained" else set()
    if wanted.how == "auto" and may:
        drained = busy_pods(pool, names)
    batch = uuid.uuid4().hex
    one = partial(move_one, by, pool, wanted, batch, drained)
    return Moves(batch, [one(name, origin) for name, origin in wanted.pods])


def busy_pods(pool: PoolTarget, names: Sequence[str]) -> set[str]:
    """Those of the named pods that are lent and have requests in hand. Raises GatewayError."""
    kubernetes = connect(pool.cluster_id).kubernetes
    view = look(kubernetes, namespace=pool.namespace, name=pool.name)
    lent = [pod for pod in view.pods if pod.name in names and not labels.is_reserved(pod.business)]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="busy") as threads:
        answers = threads.map(partial(busy, kubernetes), lent)
        return {pod.name for pod, is_busy in zip(lent, answers, strict=True) if is_busy}


def move_one(
    by: User, pool: PoolTarget, wanted: Wanted, batch: str, drained: set[str], name: str, origin: str | None
) -> Outcome:
    """One pod's move, or why not."""
    pod = PodTarget(pool, name, wanted.business)
    said: dict[str, Any] = {
        "origin": origin,
        "force": wanted.force,
        "share": wanted.share,
        "reason": wanted.reason,
        "batch": batch,
    }
    try:
        if name in drained:
            return draining(actions.drain_pod(by=by, pod=pod, timeout=wanted.timeout, **said))
        actions.assign_pod(by=by, pod=pod, **said)
    except PoolProblem as problem:
        ask = isinstance(problem, NeedsForce)
        return Outcome(name, "refused", problem.message, problem.problem_code, ask)
    except Busy as problem:
        return Outcome(name, "refused", str(problem), "busy")
    except GatewayError as error:
        return Outcome(name, "refused", error.message, "cluster")
    return Outcome(name, "done", _("%(pod)s has changed hands.") % {"pod": name})


def draining(operation: Operation) -> Outcome:
    """It finishes its requests first."""
    name = operation.target_name
    words = _("%(pod)s is being drained.") % {"pod": name}
    return Outcome(name, "draining", words, operation=operation.pk)
