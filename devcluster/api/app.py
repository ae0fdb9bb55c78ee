"""The ASGI application: who asks, what is asked, may they, and which handler answers."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Awaitable, Callable

from devcluster import discovery, openapi
from devcluster.api import control, pods, proxy, reads, reviews, scale, watches, writes
from devcluster.api.request import Message, Receive, Request, Scope, Send
from devcluster.api.respond import send_bytes, send_error, send_json, send_text
from devcluster.auth import Tokens
from devcluster.errors import ApiError, InternalError, MethodNotAllowed, NoSuchResource, NotAcceptable
from devcluster.rbac import Authorizer
from devcluster.registry import Registry
from devcluster.resources import REGISTRY, Resource
from devcluster.stats import Stats
from devcluster.world import World

Handler = Callable[[Request], Awaitable[None]]

HEALTH = ("healthz", "livez", "readyz")
_KINDS = {(item.group, item.version, item.plural): item for item in REGISTRY}
_GROUPS = {item.group for item in REGISTRY}


class Api:
    """One cluster's API server."""

    def __init__(self, registry: Registry, world: World, tokens: Tokens) -> None:
        self.registry = registry
        self.store = registry.store
        self.world = world
        self.tokens = tokens
        self.authorizer = Authorizer(self.store)
        self.stats = Stats(self.store)
        self.address = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"unexpected connection type {scope['type']}")
        tracked = _Tracked(send, self.stats)
        request = Request.of(scope, receive, tracked)
        try:
            await self._answer(request)
        except ApiError as error:
            if tracked.started:
                raise
            await send_error(request, error)
        except Exception as error:
            # The last line of defence: the client gets upstream's 500, the operator the traceback.
            traceback.print_exc(file=sys.stderr)
            if tracked.started:
                raise
            await send_error(request, InternalError(f"{type(error).__name__}: {error}"))

    async def _answer(self, request: Request) -> None:
        request.user = self.tokens.authenticate(request.headers.get("authorization", ""))
        self.stats.count(request.verb, _counted(request), request.user.name)
        self.authorizer.require(request.user, request.attributes)
        if request.path.startswith("/devcluster/"):
            await control.handle(request, self.world, self.stats)
            return
        if (refusal := await self.world.mishaps.before_request(request)) is not None:
            raise refusal
        if self.world.mishaps.withholds(request):
            await self._unanswered(request)
        await self._dispatch(request)

    async def _dispatch(self, request: Request) -> None:
        if request.resource:
            await self._resource(request)
        else:
            await self._plain(request)

    async def _unanswered(self, request: Request) -> None:
        """A mishap: the request is done, or refused, and its client never hears which."""
        send, request.send = request.send, _swallow
        try:
            with contextlib.suppress(ApiError):
                await self._dispatch(request)
        finally:
            request.send = send
        raise await self.world.mishaps.instead(request)

    async def _plain(self, request: Request) -> None:
        """Paths that name no resource."""
        parts = [part for part in request.path.split("/") if part]
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed
        if parts and parts[0] in HEALTH:
            await send_text(request, 200, "ok")
        elif parts == ["version"]:
            await send_json(request, 200, discovery.VERSION)
        elif parts[:1] == ["openapi"]:
            await self._openapi(request, parts[1:])
        else:
            await self._discovery(request, parts)

    async def _discovery(self, request: Request, parts: list[str]) -> None:
        found = None
        if parts == ["api"]:
            found = discovery.legacy_versions(self.address)
        elif parts == ["apis"]:
            found = discovery.group_list()
        elif len(parts) == 2 and parts[0] == "api":
            found = discovery.resource_list("", parts[1])
        elif len(parts) == 2 and parts[0] == "apis":
            found = discovery.group(parts[1])
        elif len(parts) == 3 and parts[0] == "apis":
            found = discovery.resource_list(parts[1], parts[2])
        if found is None:
            await self._not_found(request, parts)
        else:
            await send_json(request, 200, found)

    async def _openapi(self, request: Request, parts: list[str]) -> None:
        """v3 in JSON. v2 exists only as protobuf for clients, which this server does not speak: 406."""
        if parts == ["v3"]:
            await send_json(request, 200, openapi.index())
            return
        if parts[:1] == ["v2"]:
            raise NotAcceptable
        group, version = (
            ("", parts[-1])
            if parts[1:2] == ["api"]
            else (parts[-2], parts[-1])
            if len(parts) > 2
            else ("-", "")
        )
        found = openapi.document(group, version)
        if found is None:
            raise NoSuchResource
        await send_bytes(request, 200, [found])

    async def _not_found(self, request: Request, parts: list[str]) -> None:
        """An unknown group is plain text, an unknown version or type of a known group a Status."""
        if (parts[:1] == ["apis"] and len(parts) > 1 and parts[1] in _GROUPS) or parts[:2] == ["api", "v1"]:
            raise NoSuchResource
        await send_text(request, 404, "404 page not found\n")

    async def _resource(self, request: Request) -> None:
        kind = _KINDS.get((request.group, request.version, request.resource))
        if kind is None:
            await self._not_found(request, [part for part in request.path.split("/") if part])
            return
        self._check_scope(request, kind)
        if request.subresource:
            await self._subresource(request, kind)
        elif not kind.stored:
            await self._review(request, kind)
        else:
            await self._object(request, kind)

    def _check_scope(self, request: Request, kind: Resource) -> None:
        if kind.namespaced and request.name and not request.namespace:
            raise NoSuchResource
        if not kind.namespaced and request.namespace and kind.plural != "namespaces":
            raise NoSuchResource

    async def _review(self, request: Request, kind: Resource) -> None:
        if request.method != "POST" or request.name:
            raise MethodNotAllowed
        await reviews.handle(request, self.authorizer, kind)

    async def _object(self, request: Request, kind: Resource) -> None:
        """The ordinary verbs."""
        verb = request.verb
        if verb not in kind.verbs:
            raise MethodNotAllowed
        if verb == "watch":
            await watches.Watch(request, self.store, kind).run()
        elif verb == "get":
            await reads.get(request, self.store, kind)
        elif verb == "list":
            await reads.list_objects(request, self.store, kind)
        elif verb == "deletecollection":
            await writes.delete_collection(request, self.registry, kind)
        elif verb == "create" and not request.name:
            await writes.create(request, self.registry, kind)
        elif verb in ("update", "patch", "delete") and request.name:
            handlers = {"update": writes.update, "patch": writes.patch, "delete": writes.delete}
            await handlers[verb](request, self.registry, kind)
        else:
            raise MethodNotAllowed

    async def _subresource(self, request: Request, kind: Resource) -> None:
        name = request.subresource
        if name not in kind.subresources:
            raise NoSuchResource
        if name != "proxy" and request.verb not in discovery.SUBRESOURCE_VERBS[name]:
            raise MethodNotAllowed
        if name == "proxy":
            await proxy.handle(request, self.store, self.world)
        elif name == "scale":
            await scale.handle(request, self.registry, kind)
        elif name == "log":
            await pods.log(request, self.registry, self.world)
        elif name == "eviction":
            await pods.eviction(request, self.registry)
        elif name == "binding":
            await pods.binding(request, self.registry)
        elif request.verb == "get":
            await reads.get(request, self.store, kind)
        else:
            await (writes.patch if request.verb == "patch" else writes.update)(request, self.registry, kind)


async def _swallow(message: Message) -> None:
    """The answer that is lost."""


def _counted(request: Request) -> str:
    if not request.resource:
        return "/" + request.path.strip("/").split("/")[0]
    return f"{request.resource}/{request.subresource}" if request.subresource else request.resource


class _Tracked:
    """`send` that remembers whether an answer has begun, and counts its status."""

    def __init__(self, send: Send, stats: Stats) -> None:
        self._send, self._stats = send, stats
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._stats.statuses[message["status"]] += 1
        await self._send(message)
