"""A container's whole log as a file: streamed from the cluster, never held in memory."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.clusters import selectors as clusters
from apps.inference.panel_forms import LogWish
from apps.inference.permissions import VIEW
from apps.inference.pod_logs import opener
from apps.inference.selectors import pod_detail
from apps.inference.views.pod import log_form
from apps.live.leftovers import close_after
from apps.live.logs import Raw

PIECE = 64 * 1024
_threads = ThreadPoolExecutor(16, thread_name_prefix="log-file")


async def log_file(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponseBase:
    """The log as the kubelet keeps it, with times; `container`, `previous` and `since` as on the page."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    raw, wish = await sync_to_async(opened)(request, cluster, namespace, name)
    file_name = "-".join(filter(None, (name, wish.container, "previous" if wish.previous else "")))
    found = Pieces(raw)
    close_after(request, found.close)
    return StreamingHttpResponse(
        found,
        content_type="text/plain; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{file_name}.log"',
            "Cache-Control": "no-store",
        },
    )


def opened(request: UserRequest, cluster: str, namespace: str, name: str) -> tuple[Raw, LogWish]:
    """The log's beginning. Raises Http404, Refused, GatewayError."""
    row = clusters.cluster(request.user, cluster)
    policy.require(request.user, VIEW, cluster=row.slug)
    target = pod_detail.target(request.user, cluster, namespace, name)
    wish = log_form(request, target)[0].cleaned()
    open_log = opener(row.pk, namespace, name, wish.container, wish.previous)()
    since = timezone.now() - timedelta(seconds=wish.seconds) if wish.seconds else None
    raw = open_log(follow=False, since=since)
    close_old_connections()  # the file may stream for minutes; the database connection is not its to hold
    return raw, wish


class Pieces:
    """The log in pieces."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw

    async def __aiter__(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        found = pieces(self.raw)
        try:
            while piece := await loop.run_in_executor(_threads, next, found, b""):
                yield piece
        finally:
            self.close()

    def close(self) -> None:
        """Hang up, without keeping the event loop waiting; may be said more than once."""
        _threads.submit(self.raw.close)


def pieces(raw: Raw) -> Iterator[bytes]:
    """Lines joined into pieces of about PIECE bytes."""
    piece = bytearray()
    for line in raw:
        piece += line + b"\n"
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)
