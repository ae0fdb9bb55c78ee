"""Where every pod was and whether it served, by the monotonic clock; and which of them had an accident."""

import time
from collections import defaultdict
from itertools import pairwise
from typing import Any, NamedTuple

from apps.gateways import labels

LAG = 2.0
"""Seconds in which endpoints and proxies of the run's cluster follow a label or a condition, with room."""
SETTLE = 8
"""Seconds that the new pods of somebody's rollout must stay Ready: time for the portal to notice it."""
UNNOTICED = 8.0
"""Seconds in which probes or the node's heartbeat notice an accident (`--node-grace 3`), with room."""


class Moment(NamedTuple):
    """From `at` on the pod belongs to `business` and serves or not."""

    at: float
    business: str
    serves: bool


class Sightings:
    """What the referee's watch tells of each pod, in its order."""

    def __init__(self) -> None:
        self.moments: defaultdict[str, list[Moment]] = defaultdict(list)
        self.accidents: defaultdict[str, list[float]] = defaultdict(list)

    def note(self, pod: dict[str, Any], *, gone: bool = False) -> None:
        """An event of the watch."""
        meta, status = pod["metadata"], pod.get("status", {})
        conditions = {item["type"]: item["status"] for item in status.get("conditions") or ()}
        serves = conditions.get("Ready") == "True" and not gone and not meta.get("deletionTimestamp")
        business = meta.get("labels", {}).get(labels.BUSINESS, "")
        known = self.moments[meta["name"]]
        if not known or known[-1][1:] != (business, serves):
            known.append(Moment(time.monotonic(), business, serves))

    def is_young(self, name: str) -> bool:
        """Whether the pod has served for less than a rollout of the run asks for."""
        known = self.moments[name]
        since = next((moment.at for moment in known if moment.serves), float("inf"))
        return time.monotonic() - since < SETTLE + LAG

    def accident(self, *names: str) -> None:
        """Something is about to happen to these pods that their business may feel."""
        for name in names:
            self.accidents[name].append(time.monotonic())

    def explains(self, business: str, began: float, ended: float) -> bool:
        """Whether a request in this time may fail: one of the business' pods had an accident or stopped
        serving while it was the business', or there was a moment without any that served.
        """
        since = began - LAG
        had = [name for name in tuple(self.moments) if self.held(name, business, since, ended)]
        hurt = any(self.was_hurt(name, business, since, ended) for name in had)
        return hurt or not self.always_served(had, business, since, ended)

    def spans(self, name: str) -> list[tuple[float, float, Moment]]:
        """The pod's moments with their ends."""
        known = [*self.moments[name], Moment(float("inf"), "", False)]
        return [(here.at, after.at, here) for here, after in pairwise(known)]

    def held(self, name: str, business: str, since: float, until: float) -> bool:
        """Whether the business had the pod at some time in between."""
        return any(
            moment.business == business and start <= until and end >= since
            for start, end, moment in self.spans(name)
        )

    def was_hurt(self, name: str, business: str, since: float, until: float) -> bool:
        """Whether an accident of the pod may be felt, or it stopped serving under the business."""
        felt = any(at <= until and at + UNNOTICED >= since for at in self.accidents[name])
        known = self.moments[name]
        stopped = any(
            before.serves and not after.serves and after.business == business and since <= after.at <= until
            for before, after in pairwise(known)
        )
        return felt or stopped

    def always_served(self, names: list[str], business: str, since: float, until: float) -> bool:
        """Whether at every moment in between some pod of the business served."""
        serving = [
            (start, end)
            for name in names
            for start, end, moment in self.spans(name)
            if moment.serves and moment.business == business
        ]
        looks = [since, *(at for span in serving for at in span if since <= at <= until)]
        return all(any(start <= at < end for start, end in serving) for at in looks)
