"""Streaming a served model's answer through the portal, with nobody left working for a lost caller.

The gateway blocks, so its reads run in threads of their own (pump.py); the event loop only passes chunks
on. When the caller hangs up, Django cancels the view, and the connection to the model is closed at once: its
slot is free again, and so is the caller's seat (seats.py).
"""

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.accounts import rates
from apps.accounts.models import User
from apps.accounts.requests import UserRequest
from apps.clusters import selectors as clusters
from apps.clusters.models import Cluster
from apps.gateways.errors import Invalid
from apps.gateways.kubernetes.giveup import GiveUp
from apps.gateways.kubernetes.proxy import ProxyResponse
from apps.inference import calls
from apps.inference.calls import Call
from apps.inference.closers import Closers
from apps.inference.pump import Pump
from apps.inference.seats import Seat, Seats
from apps.live.leftovers import close_after

seats = Seats(most=settings.PORTAL_MODEL_CALLS, most_each=settings.PORTAL_MODEL_CALLS_EACH)
_threads = ThreadPoolExecutor(settings.PORTAL_MODEL_CALLS, thread_name_prefix="model-call")
_closers = Closers(8)  # of their own, so that closing never waits behind reading


async def service_proxy(
    request: UserRequest, cluster: str, namespace: str, service: str, path: str
) -> HttpResponseBase:
    """GET or POST to a service's path, by session; the answer streams."""
    if request.method not in calls.METHODS:
        return HttpResponse(status=405, headers={"Allow": ", ".join(calls.METHODS)})
    return await streamed(request, request.user, cluster, namespace, service, path, ask=counted)


def counted(request: HttpRequest, user: User, *place: str) -> Call:
    """The call of a page; those of programs are counted where the API lets them in. Raises TooOften."""
    rates.spend("api", user.pk, settings.PORTAL_API_RATE)
    return requested(request, user, *place)


async def streamed(
    request: HttpRequest, user: User, *place: str, ask: Callable[..., Call] | None = None
) -> HttpResponseBase:
    """The service's answer as it comes: 30 s to its first byte, ten minutes in all; `place` as `requested`
    takes it. Raises as `prepared`.
    """
    call = await sync_to_async(ask or requested)(request, user, *place)
    _closers.start()
    seat = seats.take(user.pk)  # with no waiting before `opened`: whoever is cancelled there would keep it
    upstream = await opened(call, seat)
    body = Body(upstream, seat)
    close_after(request, body.close)
    answer = StreamingHttpResponse(body, status=upstream.status)
    for name, value in headers_of(upstream).items():
        answer[name] = value
    return answer


async def whole(call: Call, person: int) -> tuple[ProxyResponse, bytes]:
    """An answer with all of its body; whoever is gone before is waited for no more. Raises NoSeat."""
    _closers.start()
    seat = seats.take(person)
    upstream = await opened(call, seat)
    try:
        body = await asyncio.get_running_loop().run_in_executor(_threads, upstream.read)
    finally:
        _closers.soon(partial(hang_up, upstream, seat))
    return upstream, body


def requested(
    request: HttpRequest, user: User, cluster: str, namespace: str, service: str, path: str
) -> Call:
    """The call that the request asks for. Raises Invalid for `proxy//host`: safe_path would forgive it."""
    if path.startswith("/"):
        raise Invalid(_("The path has an empty part."))
    return prepared(
        user,
        clusters.cluster(user, cluster),
        namespace,
        service,
        method=str(request.method),
        path=path,
        query=tuple((name, value) for name, values in request.GET.lists() for value in values),
        body=calls.json_body(request.body) if request.method == "POST" else None,
        accept=accepted(request),
    )


def prepared(user: User, cluster: Cluster, namespace: str, service: str, **asked: Any) -> Call:
    """A call that is permitted. Raises as `calls.prepare`."""
    call = calls.prepare(user, cluster, namespace, service, **asked)
    close_old_connections()  # an answer may stream for minutes; the database connection is not its to hold
    return call


def accepted(request: HttpRequest) -> str:
    """What the caller accepts, if it is a plain word list."""
    return request.headers.get("Accept", "*/*")[:200]


async def opened(call: Call, seat: Seat) -> ProxyResponse:
    """The answer's beginning. Where the caller goes before, the model is told at once."""
    give_up = GiveUp()
    beginning: Future[ProxyResponse] = _threads.submit(call.open, give_up)
    try:
        return await asyncio.wrap_future(beginning)
    except BaseException:
        give_up.give_up()
        beginning.add_done_callback(lambda done: forget(done, seat))
        raise


def forget(beginning: Future[ProxyResponse], seat: Seat) -> None:
    """Hang up an answer that came all the same, and leave the seat."""
    if beginning.cancelled() or beginning.exception() is not None:
        seat.leave()
    else:
        hang_up(beginning.result(), seat)


def hang_up(upstream: ProxyResponse, seat: Seat) -> None:
    """End the exchange, whatever its state."""
    try:
        upstream.close()
    finally:
        seat.leave()


class Body:
    """The answer as it comes. It hangs up at its end, with its request, or when it is dropped."""

    def __init__(self, upstream: ProxyResponse, seat: Seat) -> None:
        self._pump = Pump(upstream)
        self._end = weakref.finalize(self, _closers.soon, partial(abandon, self._pump, upstream, seat))
        self._end.atexit = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        _threads.submit(self._pump.run)
        try:
            async for chunk in self._pump:
                yield chunk
        finally:
            self.close()

    def close(self) -> None:
        """Hang up; may be said more than once."""
        self._end()


def abandon(pump: Pump, upstream: ProxyResponse, seat: Seat) -> None:
    """Nobody takes the answer any more: free its thread, its connection and its seat."""
    pump.stop()
    hang_up(upstream, seat)


def headers_of(upstream: ProxyResponse) -> dict[str, str]:
    """The few headers that pass. What a model calls HTML becomes text: it must not run in our origin."""
    kind = upstream.headers.get("content-type", "application/octet-stream")
    safe = kind if kind.startswith(("application/json", "text/event-stream")) else "text/plain; charset=utf-8"
    passed = {"Content-Type": safe, "X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    if "x-served-by" in upstream.headers:
        passed["X-Served-By"] = upstream.headers["x-served-by"]
    return passed
