"""What somebody wants: this pod, from there, to that business."""

from dataclasses import dataclass

from apps.pools.statuses import Source


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A wished change of hands.

    `origin` is what the person saw the pod lent to, None when they did not say. `force` answers the
    questions that would be asked. `internal` is for the portal's own steps of a drain: reserved words are
    allowed and an origin that is one of them; `goal` is where the drained pod goes next. `basis` is the
    pool's count of decisions on which a plan rests: the wish is refused when another was made since. `by`
    names who wishes when it is nobody that the audit's context knows.
    """

    pod: str
    business: str
    origin: str | None = None
    force: bool = False
    internal: bool = False
    goal: str = ""
    source: Source = Source.PORTAL
    batch: str = ""
    operation_id: str = ""
    reason: str = ""
    basis: int | None = None
    by: str = ""
