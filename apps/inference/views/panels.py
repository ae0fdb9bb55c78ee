"""Details of a row: a panel over the list when the list asks (static/js/panel.js), a page alone otherwise."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from apps.accounts.requests import UserRequest

PANEL = "side-panel"


def in_panel(request: UserRequest) -> bool:
    """Whether the answer goes into the list's panel."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Target") == PANEL


def panel(request: UserRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """The template's `view` for a panel, else its whole page."""
    inside = in_panel(request)
    name = f"{template}#view" if inside else template
    answer = render(request, name, {**context, "in_panel": inside}, status=status)
    answer["Vary"] = "HX-Target, Cookie"
    answer["Cache-Control"] = "no-store"
    return answer


def done(request: UserRequest, text: str, url: str) -> HttpResponse:
    """It is done: an empty panel and a toast, or the list with a message."""
    if in_panel(request):
        return toast(HttpResponse(""), "success", text)
    messages.success(request, text)
    return redirect(url)


def go(request: UserRequest, url: str) -> HttpResponse:
    """To another page, in the way that this request understands."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


def toast(response: HttpResponse, level: str, text: str) -> HttpResponse:
    """Have the page show a toast (static/js/portal.js)."""
    response["HX-Trigger"] = json.dumps({"toast": {"level": level, "text": text}})
    return response
