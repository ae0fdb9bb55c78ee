"""The edge: errors become words, too large bodies are refused, an expired session leads htmx to the login."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast
from urllib.parse import urlencode, urlsplit

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _

from hyperpod_site.answers import answer
from hyperpod_site.problems import Problem, problem_of, too_large, unexpected

logger = structlog.get_logger(__name__)
Answer = HttpResponseBase | Awaitable[HttpResponseBase]


class Edge:
    """A middleware for both worlds: asynchronous views stay on the event loop."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Answer]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Answer:
        """Before, answer, after."""
        if self.is_async:
            return self._answer_async(request)
        early = self.before(request)
        return early or self.after(request, cast("HttpResponseBase", self.get_response(request)))

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        early = self.before(request)
        return early or self.after(
            request, await cast("Awaitable[HttpResponseBase]", self.get_response(request))
        )

    def before(self, request: HttpRequest) -> HttpResponseBase | None:
        """An answer that makes the view unnecessary."""
        return None

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The answer as it leaves."""
        return response


class ProblemMiddleware(Edge):
    """What views raise becomes a toast (htmx), JSON (API) or a page; see problems.py and answers.py."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The problem's answer; None leaves unknown errors to Django: it logs them and calls handler500."""
        problem = problem_of(exception)
        if problem is None:
            return None
        if problem.status >= 500:
            logger.warning(
                "request_problem", code=problem.code, path=request.path, error=type(exception).__name__
            )
        return answer(request, problem)

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """htmx would follow a redirect to the login and put that page into the middle of this one."""
        if request.headers.get("HX-Request") != "true" or response.status_code != 302:
            return response
        login = resolve_url(settings.LOGIN_URL)
        if urlsplit(response.headers["Location"]).path != login:
            return response
        page = urlsplit(request.headers.get("HX-Current-URL", ""))
        back = urlencode({"next": f"{page.path}?{page.query}" if page.query else page.path or "/"})
        return HttpResponse(
            status=401, headers={"HX-Redirect": f"{login}?{back}", "Cache-Control": "no-store"}
        )


class BodyLimitMiddleware(Edge):
    """Refuses bodies that say that they are too large; bodies.py counts those that do not say."""

    def before(self, request: HttpRequest) -> HttpResponseBase | None:
        """413 before anything is parsed."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdigit():
            return answer(request, Problem(400, "bad_request", _("Content-Length is not a number.")))
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return answer(request, too_large()) if limit is not None and int(length) > limit else None


class NulMiddleware(Edge):
    """There is nothing at an address with a NUL character, and the database would not even look."""

    def before(self, request: HttpRequest) -> HttpResponseBase | None:
        """404 before any view asks for it."""
        nothing = problem_of(Http404()) or unexpected()
        return answer(request, nothing) if "\0" in request.path_info else None


class OneThread:
    """Stands innermost and has all middleware of a request run in one thread.

    Most of them know threads only: left on the event loop, each would go to a thread and back twice in every
    request, which costs more than what they do there. Asynchronous views run on the event loop all the same.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The view's answer. A caller who leaves before it cancels the view, and is in the log."""
        try:
            return self.get_response(request)
        except asyncio.CancelledError:
            logger.info("request_cancelled")
            raise
