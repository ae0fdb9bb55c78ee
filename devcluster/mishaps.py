"""Things that go wrong on demand: crashes, evictions, lost nodes, bad answers, hangs, cut watches."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from devcluster.answers import ANSWERS, Asked, error_for, fits
from devcluster.clock import Timer
from devcluster.controllers.pod_runner import PodRunner
from devcluster.engines import Server
from devcluster.errors import ApiError, BadRequest
from devcluster.objects import Json, labels_of
from devcluster.resources import Resource, resource
from devcluster.store import Event

if TYPE_CHECKING:
    from devcluster.world import World

PODS = resource("pods")
NODES = resource("nodes")

Listed = list[Json]
Runners = list[PodRunner]
Hitting = list["Mishap"]


@dataclass
class Mishap:
    """One that lasts: until `left` requests were hit, `ttl` is over, or it is removed."""

    id: str
    kind: str
    body: Json
    left: int | None = None
    until: float | None = None
    timers: list[Timer] = field(default_factory=list)
    undo: Callable[[], None] = lambda: None

    def to_json(self) -> Json:
        return {**self.body, "id": self.id, "kind": self.kind, "left": self.left, "until": self.until}


class Mishaps:
    """`add` takes {"kind", "ttl" (seconds), "count" (requests), ...}; each kind's method names its fields."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._clock = world.clock
        self._rng = random.Random(f"{world.options.seed}/mishaps")
        self._active: dict[str, Mishap] = {}
        self._numbers = itertools.count(1)
        self._kinds: dict[str, Callable[[Mishap], bool]] = {
            "answer": self._lasting,
            "hang": self._lasting,
            "cut_watches": self._cut_watches,
            "compact": self._compact,
            "drop_events": self._drop_events,
            "ignore_quota": self._ignore_quota,
            "crash": self._crash,
            "evict": self._evict,
            "lose_node": self._lose_node,
            "ignore_cost": self._ignore_cost,
            "slow_start": self._slow_start,
            "unready": self._unready,
            "stall": self._stall,
            "flip": self._flip,
        }

    def list(self) -> Listed:
        return [mishap.to_json() for mishap in self._active.values()]

    def add(self, body: Json) -> Json:
        """Begin a mishap; BadRequest with words when the body does not say enough."""
        kind = str(body.get("kind", ""))
        if kind not in self._kinds:
            raise BadRequest(f"kind must be one of {', '.join(sorted(self._kinds))}, not {kind!r}")
        mishap = Mishap(
            f"m{next(self._numbers)}", kind, {k: v for k, v in body.items() if k not in ("id", "kind")}
        )
        mishap.left = _number(body, "count", None)
        ttl = _number(body, "ttl", None)
        if self._kinds[kind](mishap):
            self._active[mishap.id] = mishap
            if ttl is not None:
                mishap.until = self._clock.now() + ttl
                mishap.timers.append(self._clock.after(ttl, lambda: self.remove(mishap.id)))
        return mishap.to_json()

    def remove(self, mishap_id: str) -> None:
        """End one; an unknown id is over already."""
        mishap = self._active.pop(mishap_id, None)
        if mishap is not None:
            for timer in mishap.timers:
                timer.cancel()
            mishap.undo()

    def clear(self) -> None:
        for mishap_id in tuple(self._active):
            self.remove(mishap_id)

    # --- requests -----------------------------------------------------------------------------------

    async def before_request(self, request: Asked) -> ApiError | None:
        """The error to answer instead, or None to go on (after a hang, if one fits)."""
        for mishap in self._hitting(request, after=False):
            self._use_up(mishap)
            if mishap.kind == "answer":
                return error_for(mishap.body)
            await self._hang(mishap)
        return None

    def withholds(self, request: Asked) -> bool:
        """Whether this request is to be carried out and its answer lost: a mishap with "after": true fits."""
        return bool(self._hitting(request, after=True))

    async def instead(self, request: Asked) -> ApiError:
        """What the client gets in place of the lost answer (after a hang: a 504 it hardly waits for)."""
        for mishap in self._hitting(request, after=True):
            self._use_up(mishap)
            if mishap.kind == "answer":
                return error_for(mishap.body)
            await self._hang(mishap)
        return ApiError(504, "Timeout", "request did not complete within the allowed duration")

    def _hitting(self, request: Asked, *, after: bool) -> Hitting:
        return [
            mishap
            for mishap in self._active.values()
            if mishap.kind in ("answer", "hang")
            and bool(mishap.body.get("after")) is after
            and fits(mishap.body, request)
        ]

    def _use_up(self, mishap: Mishap) -> None:
        if mishap.left is not None:
            mishap.left -= 1
            if mishap.left <= 0:
                self.remove(mishap.id)

    async def _hang(self, mishap: Mishap) -> None:
        seconds = float(mishap.body.get("seconds", 3600))
        await (self._clock.sleep(seconds) if self._clock.virtual else asyncio.sleep(seconds))

    def _lasting(self, mishap: Mishap) -> bool:
        """answer: status, retry_after; hang: seconds; both: verb, resource, path (regex), user ..., after."""
        if mishap.kind == "answer" and mishap.body.get("status") not in (*ANSWERS, 429):
            raise BadRequest("status must be one of 409, 410, 422, 429, 500, 503")
        try:
            re.compile(str(mishap.body.get("path", "")))
        except re.error as error:
            raise BadRequest(f"path is no regular expression: {error}") from error
        return True

    def _cut_watches(self, mishap: Mishap) -> bool:
        """resource (plural; all when absent), user (whose watches; everybody's when absent)."""
        user = str(mishap.body.get("user", ""))
        mishap.body["cut"] = self._world.store.cut_watches(_named(mishap.body), user=user)
        return False

    def _drop_events(self, mishap: Mishap) -> bool:
        """resource, type (ADDED, MODIFIED, DELETED), user, count, share (0 to 1): watches miss such events.

        No sane API server does that; whoever follows it must notice all the same, or be seen not to.
        """
        share = float(mishap.body.get("share", 1.0))

        def loses(event: Event, user: str) -> bool:
            hit = mishap.body.get("type", event.type) == event.type
            hit = hit and mishap.body.get("user", user) == user and self._rng.random() < share
            if hit:
                self._use_up(mishap)
            return hit

        mishap.undo = self._world.store.lose_events(_named(mishap.body), loses)
        return True

    def _ignore_quota(self, mishap: Mishap) -> bool:
        """Admission lets everything past ResourceQuotas, whose status goes on saying that it does not."""
        registry = self._world.registry
        registry.obeys_quota = False
        mishap.undo = lambda: setattr(registry, "obeys_quota", True)
        return True

    def _compact(self, mishap: Mishap) -> bool:
        self._world.store.compact()
        return False

    # --- pods ---------------------------------------------------------------------------------------

    def _runners(self, body: Json) -> Runners:
        """The pods meant: by namespace and name, by labels, or any running one ("count" of them)."""
        namespace = str(body.get("namespace", "default"))
        if "name" in body:
            runner = self._world.manager.kubelet.runner((namespace, str(body["name"])))
            if runner is None:
                raise BadRequest(f"no running pod {namespace}/{body['name']}")
            return [runner]
        labels = body.get("labels") or {}
        pods = [
            pod for pod in self._world.store.list(PODS, namespace) if labels.items() <= labels_of(pod).items()
        ]
        self._rng.shuffle(pods)
        found = (self._world.manager.kubelet.runner((namespace, pod["metadata"]["name"])) for pod in pods)
        return [runner for runner in found if runner is not None and runner.final is None][
            : body.get("pods", 1)
        ]

    def _crash(self, mishap: Mishap) -> bool:
        """namespace, name or labels, pods (how many), code: the containers die with this exit code."""
        for runner in self._runners(mishap.body):
            for container in runner.containers:
                container.crash(int(mishap.body.get("code", 1)))
        return False

    def _evict(self, mishap: Mishap) -> bool:
        """namespace, name or labels, pods, message: phase Failed, reason Evicted, labels kept."""
        default = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 60Mi."
        for runner in self._runners(mishap.body):
            runner.fail("Evicted", str(mishap.body.get("message", default)))
            for container in runner.containers[:1]:
                runner.event("Warning", "Evicted", str(mishap.body.get("message", default)), container)
        return False

    def _unready(self, mishap: Mishap) -> bool:
        """namespace, name or labels, pods: not Ready until the end of the mishap."""
        runners = self._runners(mishap.body)
        mishap.body["names"] = [runner.name for runner in runners]
        _force(runners, True)
        mishap.undo = lambda: _force(runners, False)
        return True

    def _stall(self, mishap: Mishap) -> bool:
        """namespace, name or labels, pods: servers take requests and never answer; probes time out."""
        servers = [server for runner in self._runners(mishap.body) for server in runner.servers()]
        for server in servers:
            server.stall()
        mishap.undo = partial(_go_on, servers)
        return True

    def _flip(self, mishap: Mishap) -> bool:
        """namespace, labels, every, for (seconds): again and again another pod is not Ready for a while."""

        def turn() -> None:
            runners = self._runners(mishap.body)
            _force(runners, True)
            rest = float(mishap.body.get("for", 1.0))
            self._clock.after(rest, lambda: _force(runners, False))
            mishap.timers[:] = [
                *mishap.timers[:1],
                self._clock.after(float(mishap.body.get("every", 2.0)), turn),
            ]

        self._clock.after(0, turn)
        return True

    def _slow_start(self, mishap: Mishap) -> bool:
        """seconds: every model that starts meanwhile loads that much longer."""
        slow = self._world.manager.kubelet.slow
        slow["*"] = float(mishap.body.get("seconds", 30))
        mishap.undo = lambda: slow.__setitem__("*", 0.0)
        return True

    def _ignore_cost(self, mishap: Mishap) -> bool:
        """The ReplicaSet controller chooses victims without pod-deletion-cost, as before 1.22."""
        controller = self._world.manager.replicasets
        controller.honours_cost = False
        mishap.undo = lambda: setattr(controller, "honours_cost", True)
        return True

    # --- nodes --------------------------------------------------------------------------------------

    def _lose_node(self, mishap: Mishap) -> bool:
        """name (any GPU node when absent): power off until the end of the mishap."""
        kubelet = self._world.manager.kubelet
        names = [node["metadata"]["name"] for node in self._world.store.list(NODES)]
        name = str(mishap.body.get("name") or self._rng.choice(names))
        if name not in names:
            raise BadRequest(f"no node {name}")
        mishap.body["name"] = name
        kubelet.lose_node(name)
        mishap.undo = lambda: kubelet.return_node(name)
        return True


def _force(runners: list[PodRunner], unready: bool) -> None:
    for runner in runners:
        for container in runner.containers:
            container.forced_unready = unready
        if not runner.terminating:
            runner.changed()


def _go_on(servers: list[Server]) -> None:
    for server in servers:
        server.go_on()


def _named(body: Json) -> Resource | None:
    """The resource type that a mishap names; None for all. BadRequest for one that is not served."""
    name = str(body.get("resource", ""))
    try:
        return resource(name) if name else None
    except KeyError as error:
        raise BadRequest(f"there is no resource {name!r}") from error


def _number(body: Json, name: str, default: Any) -> Any:
    value = body.get(name, default)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value <= 0):
        raise BadRequest(f"{name} must be a number above 0")
    return value
