"""Streaming a served model's answer through the portal, with nobody left working for a lost caller.

The gateway blocks, so its reads run in threads of their own; the event loop only passes chunks on. When
the caller hangs up, Django cancels the view, and the connection to the model is closed at once: its slot is
free again.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from apps.accounts import rates
from apps.accounts.requests import UserRequest
from apps.clusters import selectors as clusters
from apps.gateways.kubernetes.giveup import GiveUp
from apps.gateways.kubernetes.proxy import ProxyResponse
from apps.inference import calls
from apps.inference.calls import Call

STREAMS = 128
_threads = ThreadPoolExecutor(STREAMS, thread_name_prefix="model-call")


async def service_proxy(
    request: UserRequest, cluster: str, namespace: str, service: str, path: str
) -> HttpResponseBase:
    """GET or POST to a service's path; the answer streams. 30 s to its first byte, ten minutes in all."""
    if request.method not in calls.METHODS:
        return HttpResponse(status=405, headers={"Allow": ", ".join(calls.METHODS)})
    call = await sync_to_async(prepared)(request, cluster, namespace, service, path)
    upstream = await opened(call)
    answer = StreamingHttpResponse(Body(upstream), status=upstream.status)
    for name, value in headers_of(upstream).items():
        answer[name] = value
    return answer


def prepared(request: UserRequest, cluster: str, namespace: str, service: str, path: str) -> Call:
    """The call that the request asks for, permitted and counted."""
    row = clusters.cluster(request.user, cluster)
    rates.spend("model_call", request.user.pk, settings.PORTAL_API_RATE)
    call = calls.prepare(
        request.user,
        row,
        namespace,
        service,
        method=str(request.method),
        path=path,
        query=tuple((name, value) for name, values in request.GET.lists() for value in values),
        body=calls.json_body(request.body) if request.method == "POST" else None,
        accept=accepted(request),
    )
    close_old_connections()  # an answer may stream for minutes; the database connection is not its to hold
    return call


def accepted(request: HttpRequest) -> str:
    """What the caller accepts, if it is a plain word list."""
    return request.headers.get("Accept", "*/*")[:200]


async def opened(call: Call) -> ProxyResponse:
    """The answer's beginning. Where the caller goes before, the model is told at once."""
    give_up = GiveUp()
    beginning: Future[ProxyResponse] = _threads.submit(call.open, give_up)
    try:
        return await asyncio.wrap_future(beginning)
    except asyncio.CancelledError:
        give_up.give_up()
        beginning.add_done_callback(close_unread)
        raise


def close_unread(beginning: Future[ProxyResponse]) -> None:
    """Hang up an answer that came all the same."""
    if not beginning.cancelled() and beginning.exception() is None:
        beginning.result().close()


class Body:
    """The answer's chunks as they come. Django closes it whatever happens, also when nobody began to read."""

    def __init__(self, upstream: ProxyResponse) -> None:
        self.upstream = upstream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = self.upstream.iter_bytes()
        loop = asyncio.get_running_loop()
        try:
            while chunk := await loop.run_in_executor(_threads, next, chunks, b""):
                yield chunk
        finally:
            self.close()

    def close(self) -> None:
        """Hang up, without keeping the event loop waiting."""
        _threads.submit(self.upstream.close)


def headers_of(upstream: ProxyResponse) -> dict[str, str]:
    """The few headers that pass. What a model calls HTML becomes text: it must not run in our origin."""
    kind = upstream.headers.get("content-type", "application/octet-stream")
    safe = kind if kind.startswith(("application/json", "text/event-stream")) else "text/plain; charset=utf-8"
    passed = {"Content-Type": safe, "X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    if "x-served-by" in upstream.headers:
        passed["X-Served-By"] = upstream.headers["x-served-by"]
    return passed
