"""Binds the circumstances of a request, so that every entry written in it says from where it came."""

from collections.abc import Awaitable, Callable
from typing import cast

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.audit import context

Answer = HttpResponseBase | Awaitable[HttpResponseBase]


class AuditContextMiddleware:
    """Request id (django-structlog's), address, and whether a page or the API was used.

    The person is bound by each action (`by=`): asking for the person here would cost a query on every
    request.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Answer]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Answer:
        """Bind, answer, unbind."""
        if self.is_async:
            return self._answer_async(request)
        with context.bound(**circumstances(request)):
            return self.get_response(request)

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        with context.bound(**circumstances(request)):
            return await cast("Awaitable[HttpResponseBase]", self.get_response(request))


def circumstances(request: HttpRequest) -> dict[str, object]:
    """What an entry keeps of a request."""
    return {
        "request_id": str(structlog.contextvars.get_contextvars().get("request_id", "")),
        "ip": request.META.get("REMOTE_ADDR") or None,
        "via": "api" if request.path_info.startswith("/api/") else "page",
    }
