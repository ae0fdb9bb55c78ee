"""What only pods have: their log, eviction and binding."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from devcluster.api.request import Request
from devcluster.api.respond import send_json, success
from devcluster.api.writes import read_body
from devcluster.causes import NOT_NEGATIVE, invalid
from devcluster.columns import seconds_of
from devcluster.deletion import Options, evict
from devcluster.errors import BadRequest, Cause, Conflict, Invalid
from devcluster.logs import LogBuffer
from devcluster.registry import Registry
from devcluster.resources import Resource, resource
from devcluster.world import World

Json = dict[str, Any]

PODS = resource("pods")
EVICTION = Resource("policy", "v1", "Eviction", "evictions", True)
BINDING = Resource("", "v1", "Binding", "bindings", True)


@dataclass(frozen=True)
class LogOptions:
    """PodLogOptions; None means not given. `since` is epoch seconds."""

    follow: bool = False
    timestamps: bool = False
    previous: bool = False
    container: str = ""
    tail: int | None = None
    limit: int | None = None
    since: float | None = None


def _log_options(request: Request, now: float) -> LogOptions:
    numbers = {name: request.integer(name) for name in ("tailLines", "limitBytes", "sinceSeconds")}
    causes = []
    tail, limit, seconds = numbers.values()
    if tail is not None and tail < 0:
        causes.append(invalid("tailLines", tail, NOT_NEGATIVE))
    if limit is not None and limit < 1:
        causes.append(invalid("limitBytes", limit, "must be greater than 0"))
    if seconds is not None and "sinceTime" in request.query:
        text = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
        causes.append(Cause("FieldValueForbidden", text, "[]"))
    elif seconds is not None and seconds < 1:
        causes.append(invalid("sinceSeconds", seconds, "must be greater than 0"))
    if causes:
        raise Invalid("PodLogOptions", request.name, causes)
    since = now - seconds if seconds is not None else _since_time(request)
    flags = {name: request.flag(name) for name in ("follow", "timestamps", "previous")}
    return LogOptions(
        container=request.query.get("container", ""), tail=tail, limit=limit, since=since, **flags
    )


def _since_time(request: Request) -> float | None:
    text = request.query.get("sinceTime", "")
    try:
        return seconds_of(text)
    except ValueError:
        raise BadRequest(f'parsing time "{text}" as RFC 3339: cannot parse') from None


async def log(request: Request, registry: Registry, world: World) -> None:
    """GET of a pod's log; with follow it streams until the container ends or the client leaves."""
    pod = registry.store.get(PODS, request.namespace, request.name)
    options = _log_options(request, registry.store.now())
    container = _container(pod, options.container)
    if not pod["spec"].get("nodeName"):
        await request.send({"type": "http.response.start", "status": 204, "headers": []})
        await request.send({"type": "http.response.body", "body": b""})
        return
    buffer = world.pod_log(request.namespace, request.name, container, options.previous)
    if buffer is None:
        raise _no_log(pod, container, options.previous)
    headers = [(b"content-type", b"text/plain"), (b"cache-control", b"no-cache, private")]
    await request.send({"type": "http.response.start", "status": 200, "headers": headers})
    await _stream(request, buffer, options)


def _container(pod: Json, wanted: str) -> str:
    spec, name = pod["spec"], pod["metadata"]["name"]
    names = [item["name"] for item in spec.get("containers") or ()]
    known = names + [item["name"] for item in spec.get("initContainers") or ()]
    if wanted:
        if wanted not in known:
            raise BadRequest(f"container {wanted} is not valid for pod {name}")
        return wanted
    if len(names) > 1:
        listed = " ".join(names)
        raise BadRequest(f"a container name must be specified for pod {name}, choose one of: [{listed}]")
    return str(names[0])


def _no_log(pod: Json, container: str, previous: bool) -> BadRequest:
    name = pod["metadata"]["name"]
    if previous:
        return BadRequest(f'previous terminated container "{container}" in pod "{name}" not found')
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    state = next((item.get("state") or {} for item in statuses if item["name"] == container), {})
    reason = (state.get("waiting") or {}).get("reason", "ContainerCreating")
    return BadRequest(f'container "{container}" in pod "{name}" is waiting to start: {reason}')


async def _stream(request: Request, buffer: LogBuffer, options: LogOptions) -> None:
    left = options.limit
    leaving = asyncio.create_task(_until_disconnect(request))
    try:
        async for chunk in _chunks(buffer, options, leaving):
            chunk = chunk if left is None else chunk[:left]
            await request.send({"type": "http.response.body", "body": chunk, "more_body": True})
            left = None if left is None else left - len(chunk)
            if left == 0:
                break
    finally:
        leaving.cancel()
    await request.send({"type": "http.response.body", "body": b""})


async def _chunks(
    buffer: LogBuffer, options: LogOptions, leaving: asyncio.Task[None]
) -> AsyncIterator[bytes]:
    """What is there, then what comes; several lines at a time."""
    lines = [line for line in buffer.lines if options.since is None or line[0] >= options.since]
    seen = buffer.end
    if options.tail is not None:
        lines = lines[-options.tail :] if options.tail else []
    yield _text(lines, options)
    while options.follow and not leaving.done():
        waiting = asyncio.create_task(buffer.wait(seen))
        await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        fresh = buffer.lines[max(seen - buffer.first, 0) :]
        seen = buffer.end
        if fresh:
            yield _text(fresh, options)
        if buffer.closed and buffer.end == seen:
            return


def _text(lines: list[tuple[float, bytes]], options: LogOptions) -> bytes:
    if not options.timestamps:
        return b"".join(line + b"\n" for _, line in lines)
    return b"".join(_stamp(moment) + b" " + line + b"\n" for moment, line in lines)


def _stamp(moment: float) -> bytes:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z").encode()


async def _until_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue


async def eviction(request: Request, registry: Registry) -> None:
    """POST of an Eviction; 429 while a disruption budget forbids it."""
    body = await read_body(request, EVICTION)
    registry.store.get(PODS, request.namespace, request.name)
    given = body.get("deleteOptions") or {}
    demands = given.get("preconditions") or {}
    options = Options(
        uid=demands.get("uid", ""),
        resource_version=demands.get("resourceVersion", ""),
        grace=given.get("gracePeriodSeconds"),
        propagation=given.get("propagationPolicy", ""),
        dry_run=request.dry_run or given.get("dryRun") == ["All"],
    )
    evict(registry.store, request.namespace, request.name, options)
    await send_json(request, 201, success(code=201))


async def binding(request: Request, registry: Registry) -> None:
    """POST of a Binding: the pod gets its node."""
    body = await read_body(request, BINDING)
    store = registry.store
    pod = store.get(PODS, request.namespace, request.name)
    target = (body.get("target") or {}).get("name", "")
    if pod["spec"].get("nodeName"):
        why = f'pod {request.name} is already assigned to node "{pod["spec"]["nodeName"]}"'
        raise Conflict("pods/binding", request.name, "", why)
    store.update(PODS, {**pod, "spec": {**pod["spec"], "nodeName": target}})
    await send_json(request, 201, success(code=201))
