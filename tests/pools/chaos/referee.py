"""What really happened to every pod, seen by watches that no mishap touches, and whose fault an end was."""

import contextlib
import threading
from collections import defaultdict
from collections.abc import Collection
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

import orjson

from apps.gateways import labels
from apps.gateways.errors import GatewayError
from apps.pools.scaling.names import fence_name
from tests.pools.chaos.sightings import Sightings
from tests.pools.checker import DAY, Recorder
from tests.pools.world import World

ENDED = ("Failed", "Succeeded")


class Referee(Recorder):
    """Labels as the Recorder keeps them, and the pods that were lent when somebody asked for their end.

    Whoever is about to end a pod on purpose says so before (`pardon`); every other end of a lent pod is a
    loss, but for pods that a rollout took and could not but take (`is_hurt`). It knows, too, at which
    revisions a fence stood, and at which one each pod was born. `proven`: uids whose history was right in the
    end.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.ends: list[tuple[str, str, bool]] = []
        self.pardoned: set[str] = set()
        self.ended: set[str] = set()
        self.unseen: set[str] = set()
        self.late: defaultdict[str, list[str]] = defaultdict(list)
        self.labelled: set[str] = set()
        self.blind = False
        self.absent = False
        self.versions: dict[str, str] = {}
        self.sightings = Sightings()
        self.known: set[str] = set()
        self.proven: set[str] = set()
        self.births: dict[str, int] = {}
        self.fences: list[tuple[int, int]] = []
        self.stands_since = 0

    def __enter__(self) -> Self:
        super().__enter__()
        outside, namespace = self.world.outside, self.world.namespace
        listing = outside.transport.request("GET", f"/api/v1/namespaces/{namespace}/resourcequotas")
        revision = orjson.loads(listing)["metadata"]["resourceVersion"]
        self.quotas = outside.watch(
            "resourcequotas", resource_version=revision, namespace=namespace, timeout=DAY, silence=DAY
        )
        self.beside = threading.Thread(target=self.read_quotas, daemon=True)
        self.beside.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self.quotas.close()
        self.beside.join(5)

    def pardon(self, *names: str) -> None:
        """The run itself ends these pods, or puts them at risk from outside."""
        self.pardoned.update(names)
        self.sightings.accident(*names)

    def note(self, pod: dict[str, Any]) -> None:
        """A pod that is on its way out holds nothing any more: what its label becomes then is kept apart."""
        meta = pod["metadata"]
        if meta.get("deletionTimestamp"):
            self.late[meta["uid"]].append(meta.get("labels", {}).get(labels.BUSINESS, ""))
        else:
            super().note(pod)
        self.sightings.note(pod)

    def tell(self, kind: str, pod: dict[str, Any]) -> None:
        super().tell(kind, pod)
        meta = pod["metadata"]
        over = pod.get("status", {}).get("phase") in ENDED
        if kind == "ADDED":
            self.births[meta["name"]] = int(meta["resourceVersion"])
            self.versions[meta["name"]] = version_of(meta)
        if kind == "DELETED":
            self.sightings.note(pod, gone=True)
        if kind == "DELETED" or meta.get("deletionTimestamp") or over:
            self.note_end(meta)

    def note_end(self, meta: dict[str, Any]) -> None:
        if meta["uid"] in self.ended:
            return
        self.ended.add(meta["uid"])
        business = meta.get("labels", {}).get(labels.BUSINESS, "")
        if business not in ("", labels.UNASSIGNED, labels.RETIRING) and meta["name"] not in self.pardoned:
            self.ends.append((str(meta["name"]), business, self.is_hurt(str(meta["name"]))))

    def is_hurt(self, name: str) -> bool:
        """Whether a rollout that took the pod could not be held: the worker was killed (for that
        `minReadySeconds` gives a minute, and these runs some seconds), or a rollout ended it first, since it
        had an accident or did not count as available yet. Its clients may feel that.
        """
        hurt = self.absent or name in self.sightings.accidents or self.sightings.is_young(name)
        if hurt:
            self.sightings.accident(name)
        return hurt

    @property
    def lost(self) -> list[str]:
        """Lent pods that a controller ended."""
        return [
            f"{name}, which was {business}"
            for name, business, hurt in self.ends
            if not (hurt and self.is_replaced(name))
        ]

    def is_replaced(self, name: str) -> bool:
        """Whether pods of another version came after it."""
        version, since = self.versions.get(name, ""), self.births.get(name, 0)
        return any(
            other != version and self.births[one] > since for one, other in tuple(self.versions.items())
        )

    def read_quotas(self) -> None:
        with contextlib.suppress(GatewayError):
            for line in self.quotas:
                event = orjson.loads(line)
                if event["object"]["metadata"].get("name") == fence_name(self.world.pool):
                    self.note_fence(event["type"], event["object"])

    def note_fence(self, kind: str, quota: dict[str, Any]) -> None:
        """A fence stands from the moment when its status shows it."""
        revision = int(quota["metadata"]["resourceVersion"])
        if kind == "DELETED" and self.stands_since:
            self.fences.append((self.stands_since, revision))
            self.stands_since = 0
        elif (quota.get("status") or {}).get("hard") and not self.stands_since:
            self.stands_since = revision

    def born_inside(self) -> list[str]:
        """Pods that came into being behind a standing fence."""
        standing = [*self.fences, (self.stands_since, 2**63)] if self.stands_since else self.fences
        return [
            f"{name} was born behind the fence"
            for name, revision in tuple(self.births.items())
            if any(since < revision < until for since, until in standing)
        ]

    def end_round(self) -> None:
        """What others changed while the portal could not watch may be missing in its history.

        No watch tells what changed twice between two lists, or came and went (docs/pools.md).
        """
        if self.blind:
            labelled = {uid for uid, name in self.names.items() if name in self.labelled}
            self.unseen |= labelled | (self.ended - self.known)
        self.proven |= self.known  # of what had ended a round ago
        self.known |= self.ended
        self.labelled.clear()
        self.blind = self.absent = False

    def forbidden(self, replaced: Collection[str]) -> list[str]:
        """Pods that were lent and became `retiring` without having been free, but for those (uids) that a
        rollout `replaced`.
        """
        steps = [(uid, pair) for uid, chain in tuple(self.seen.items()) for pair in pairwise(tuple(chain))]
        return [
            f"{self.names[uid]} was {before} when a scale-down took it"
            for uid, (before, after) in steps
            if after == labels.RETIRING and before != labels.UNASSIGNED and uid not in replaced
        ]


def version_of(meta: dict[str, Any]) -> str:
    """The hash of the pod's template."""
    return str(meta.get("labels", {}).get(labels.TEMPLATE_HASH, ""))
