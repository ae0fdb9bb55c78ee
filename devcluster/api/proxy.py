"""The way through to a pod's own HTTP server, by pod or by service; both directions stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from devcluster.api.request import Message, Receive, Request, Scope, Send
from devcluster.errors import ApiError, BadRequest
from devcluster.resources import resource
from devcluster.store import Store
from devcluster.world import World

Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PODS = resource("pods")
SERVICES = resource("services")
# Hop-by-hop headers, and the credentials that the API server consumes itself.
DROPPED = frozenset(
    {
        b"authorization",
        b"connection",
        b"keep-alive",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"impersonate-user",
        b"impersonate-group",
    }
)
LEAVE_PATIENCE = 1.0  # seconds a pod's server has to notice that its client left
ANSWER_DROPPED = frozenset({b"connection", b"keep-alive", b"transfer-encoding"})


def split_name(text: str) -> tuple[str, str]:
    """`name`, `name:port` or `scheme:name:port` as (name, port)."""
    parts = text.split(":")
    if len(parts) > 3 or (len(parts) == 3 and parts[0] not in ("http", "https", "")):
        raise BadRequest(f'invalid proxy name "{text}"')
    if len(parts) == 3:
        return parts[1], parts[2]
    return parts[0], parts[1] if len(parts) == 2 else ""


async def handle(request: Request, store: Store, world: World) -> None:
    """Any method on pods/NAME/proxy or services/NAME/proxy."""
    app = (
        _pod_app(request, store, world) if request.resource == "pods" else _service_app(request, store, world)
    )
    await _Relay(request, app).run()


def _pod_app(request: Request, store: Store, world: World) -> Application:
    name, port = split_name(request.name)
    pod = store.get(PODS, request.namespace, name)
    if not port:
        ports = [
            item["containerPort"] for box in pod["spec"]["containers"] for item in box.get("ports") or ()
        ]
        port = str(ports[0]) if ports else "80"
    return _reach(world, request.namespace, name, port, (pod.get("status") or {}).get("podIP", ""))


def _service_app(request: Request, store: Store, world: World) -> Application:
    name, port = split_name(request.name)
    service = store.get(SERVICES, request.namespace, name)
    ports = service["spec"].get("ports") or []
    if not port:
        if len(ports) != 1:
            raise _unavailable(f'no endpoints available for service "{name}"')
        port = ports[0].get("name") or str(ports[0]["port"])
    target = world.service_target(request.namespace, name, int(port) if port.isdigit() else port)
    if target is None:
        raise _unavailable(f'no endpoints available for service "{request.name}"')
    namespace, pod, number = target
    return _reach(world, namespace, pod, str(number), pod)


def _reach(world: World, namespace: str, name: str, port: str, address: str) -> Application:
    app = world.pod_app(namespace, name, int(port) if port.isdigit() else port)
    if app is None:
        raise _unavailable(
            f"error trying to reach service: dial tcp {address}:{port}: connect: connection refused"
        )
    found: Application = app
    return found


def _unavailable(message: str) -> ApiError:
    return ApiError(503, "ServiceUnavailable", message)


class _Relay:
    """Runs the pod's application with a scope of its own; the client's leaving cancels it."""

    def __init__(self, request: Request, app: Application) -> None:
        self.request, self.app = request, app
        self.inbox: asyncio.Queue[Message] = asyncio.Queue(maxsize=8)
        self.answered = False

    def _scope(self) -> dict[str, Any]:
        rest = self.request.rest or "/"
        outer = self.request.scope
        headers = [(name, value) for name, value in outer["headers"] if name.lower() not in DROPPED]
        return {
            **outer,
            "scheme": "http",
            "path": unquote(rest),
            "raw_path": rest.encode("latin-1"),
            "root_path": "",
            "headers": headers,
            "state": {},
        }

    async def run(self) -> None:
        pump = asyncio.create_task(self._pump())
        work = asyncio.ensure_future(self.app(self._scope(), self.inbox.get, self._send))
        try:
            await asyncio.wait({pump, work}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await asyncio.wait({work}, timeout=LEAVE_PATIENCE)
                work.cancel()
            await asyncio.wait({work})
            self._check(work)
        finally:
            pump.cancel()
            work.cancel()

    async def _pump(self) -> None:
        """Carry the body in; returns when the client is gone."""
        while True:
            message = await self.request.receive()
            await self.inbox.put(message)
            if message["type"] == "http.disconnect":
                return

    def _check(self, work: asyncio.Future[None]) -> None:
        if work.cancelled():
            return
        error = work.exception()
        if error is not None and not self.answered:
            raise _unavailable(f"error trying to reach service: {error}")
        if error is not None:
            # The answer has begun: only a broken connection can tell the client that it is not whole.
            raise _unavailable(f"the pod's answer broke off: {error}")

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.answered = True
            kept = [pair for pair in message.get("headers", ()) if pair[0].lower() not in ANSWER_DROPPED]
            message = {**message, "headers": kept}
        await self.request.send(message)
