"""A problem in the form that its asker understands: toast for htmx, JSON (RFC 9457) for the API, else a page.

The page is rendered without context processors: it must appear when the database is away.
"""

import json
import sys
from dataclasses import asdict
from math import ceil
from typing import Any

import ninja.errors
import structlog
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from ninja import NinjaAPI

from hyperpod_site.problems import Problem, problem_of, unexpected


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The problem in the form that this request understands."""
    if request.path_info.startswith("/api/"):
        response = as_json(problem)
    elif request.headers.get("HX-Request") == "true":
        response = as_toast(problem)
    else:
        response = HttpResponse(
            render_to_string("problem.html", page_context(problem)), status=problem.status
        )
    response["Cache-Control"] = "no-store"
    if problem.retry_after is not None:
        response["Retry-After"] = str(max(1, ceil(problem.retry_after)))
    if problem.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def as_json(problem: Problem) -> HttpResponse:
    """application/problem+json; `success` and `error` are for programs written against the earlier panel."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "request_id": request_id(),
        "success": False,
        "error": problem.detail,
    }
    if problem.errors:
        body["errors"] = [asdict(error) for error in problem.errors]
    body |= {key: value for key, value in problem.facts.items() if key not in body}
    if problem.link:
        body["link"] = problem.link
    return JsonResponse(body, status=problem.status, content_type="application/problem+json")


def as_toast(problem: Problem) -> HttpResponse:
    """An empty answer that swaps nothing and shows a toast."""
    text = f"{problem.detail} {problem.advice}".strip()
    level = "danger" if problem.status >= 500 else "warning"
    response = HttpResponse(status=problem.status)
    response["HX-Reswap"] = "none"
    response["HX-Trigger"] = json.dumps({"toast": {"level": level, "text": text}})
    return response


def page_context(problem: Problem) -> dict[str, Any]:
    """What templates/problem.html shows."""
    return {"problem": problem, "request_id": request_id()}


def request_id() -> str:
    """The id of this request in the logs and the audit."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400."""
    return answer(
        request, problem_of(exception) or Problem(400, "bad_request", _("The request cannot be read."))
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403."""
    return answer(request, problem_of(exception) or unexpected())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    return answer(request, problem_of(exception) or unexpected())


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: also what a middleware raised, such as a database that is away while the session is
    read.
    """
    return answer(request, problem_of(sys.exc_info()[1]) or unexpected())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW."""
    detail = _("This form is not from here, or it is too old.")
    return answer(request, Problem(403, "csrf", detail, _("Load the page again, then repeat it.")))


def speak_for(api: NinjaAPI) -> None:
    """Have the API answer its errors as problems; unknown ones go on to Django, which logs them."""

    def handle(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
        problem = in_words(error) if isinstance(error, Exception) else None
        if problem is None:
            raise error
        return answer(request, problem)

    for kind in (Exception, Http404, ninja.errors.HttpError, ninja.errors.ValidationError):
        api.add_exception_handler(kind, handle)


def in_words(error: Exception) -> Problem | None:
    """Ninja calls whatever its parser raises a body that cannot be read; what our parser said is clearer."""
    return problem_of(error.__cause__ if isinstance(error.__cause__, ValidationError) else error)
