"""Whether the history tells what happened, compared with what an independent watch saw of the labels."""

import contextlib
import threading
from collections import defaultdict
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

import orjson

from apps.gateways import labels
from apps.gateways.errors import GatewayError
from apps.pools.models import Holding, Intent
from apps.pools.statuses import IntentState
from tests.pools.world import World
from tests.processes import until

DAY = 24 * 3600


class Recorder:
    """Every business that every pod of the world ever had, in order, from a watch of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen: dict[str, list[str]] = defaultdict(list)
        self.names: dict[str, str] = {}

    def __enter__(self) -> Self:
        listing = self.world.outside.transport.request(
            "GET", f"/api/v1/namespaces/{self.world.namespace}/pods"
        )
        body = orjson.loads(listing)
        for pod in body["items"]:
            self.note(pod)
        self.watch = self.world.outside.watch(
            "pods",
            resource_version=body["metadata"]["resourceVersion"],
            namespace=self.world.namespace,
            timeout=DAY,
            silence=DAY,
        )
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        return self

    def read(self) -> None:
        with contextlib.suppress(GatewayError):
            for line in self.watch:
                event = orjson.loads(line)
                self.tell(event["type"], event["object"])

    def tell(self, kind: str, pod: dict[str, Any]) -> None:
        """One event of the watch."""
        if kind in ("ADDED", "MODIFIED"):
            self.note(pod)

    def note(self, pod: dict[str, Any]) -> None:
        business = pod["metadata"].get("labels", {}).get(labels.BUSINESS, "")
        chain = self.seen[pod["metadata"]["uid"]]
        self.names[pod["metadata"]["uid"]] = pod["metadata"]["name"]
        if not chain or chain[-1] != business:
            chain.append(business)

    def caught_up(self) -> bool:
        return all(self.seen[pod.uid][-1:] == [pod.business] for pod in self.world.pods())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.watch.close()
        self.thread.join(5)


def faults(world: World, recorder: Recorder) -> list[str]:
    """What is wrong, in words; empty when the history tells the truth."""
    until(recorder.caught_up, what="the recorder to see the newest labels")
    found: list[str] = []
    for pod in world.pods():
        found += of_pod(world, pod.uid, pod.business if pod.alive else None, recorder.seen[pod.uid])
    open_intents = Intent.objects.filter(pool=world.record, state=IntentState.OPEN).count()
    found += [f"{open_intents} intents are still open"] if open_intents else []
    done = Intent.objects.filter(pool=world.record, state=IntentState.DONE)
    found += [f"{intent} is done without a row" for intent in done.filter(holding=None)]
    return found


def of_pod(world: World, uid: str, business: str | None, chain: list[str]) -> list[str]:
    """The pod's rows against its label now, and against every label it had."""
    rows = list(Holding.objects.filter(pool=world.record, pod_uid=uid).order_by("pk"))
    told = [row.business for row in rows]
    found = [] if told == chain else [f"{uid}: history {told}, labels {chain}"]
    found += gaps(uid, rows)
    open_rows = [row.business for row in rows if row.to_at is None]
    if business is not None and open_rows != [business]:
        found.append(f"{uid}: open intervals {open_rows}, label {business}")
    return found


def gaps(uid: str, rows: list[Holding]) -> list[str]:
    """Intervals follow each other without gap or overlap, and each names the one before."""
    pairs = list(pairwise(rows))
    found = [f"{uid}: gap after {before}" for before, after in pairs if before.to_at != after.from_at]
    wrong = [after for before, after in pairs if after.previous != before.business]
    return found + [f"{uid}: {row} says it was {row.previous} before" for row in wrong]
