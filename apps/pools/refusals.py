"""Why a change of hands does not happen, in words for people; each is also a code for programs."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _


class PoolProblem(Exception):
    """A wish that cannot be met. `problem_status` is the HTTP status, `problem_code` a word for programs."""

    problem_status = 409
    problem_code = "refused"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, Any] = details


class UnknownPool(PoolProblem):
    """There is no such pool."""

    problem_status = 404
    problem_code = "unknown_pool"


class UnknownPod(PoolProblem):
    """There is no such pod in this pool."""

    problem_status = 404
    problem_code = "unknown_pod"


class NotLive(PoolProblem):
    """The pod has failed, ended, is going, or belongs to another version of the pool."""

    problem_code = "not_live"


class UnknownBusiness(PoolProblem):
    """No business service of the pool has this tag, or the word is reserved."""

    problem_status = 422
    problem_code = "unknown_business"


class Moved(PoolProblem):
    """The pod is not where the person saw it."""

    problem_code = "moved"


class BeingMoved(PoolProblem):
    """Another change of this pod is under way."""

    problem_code = "being_moved"


class Outdated(PoolProblem):
    """The plan behind this wish rests on a pool that has changed since."""

    problem_code = "outdated"


class NodeDraining(PoolProblem):
    """The pod's node takes no new work."""

    problem_code = "node_draining"


class NeedsForce(PoolProblem):
    """Possible, but it harms: the person must say so. `details["force"]` is true, so that pages can ask."""

    problem_code = "needs_force"

    def __init__(self, message: str) -> None:
        super().__init__(message, force=True)


class NotTaken(PoolProblem):
    """The cluster did not take the change, for a reason that is not another change of this pod."""

    problem_code = "not_taken"


class Unsettled(PoolProblem):
    """The cluster did not answer: whether the pod moved will be known when it does."""

    problem_status = 503
    problem_code = "unsettled"

    def __init__(self, pod: str) -> None:
        super().__init__(
            _("The cluster did not answer. Whether %(pod)s moved will show here as soon as it does.")
            % {"pod": pod}
        )
