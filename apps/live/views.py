"""Fragments and streams as plain URLs: for pages without a socket, and for tests with the ordinary client."""

from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.accounts import permissions
from apps.live import fragments, render, streams, tokens
from apps.live.viewers import viewer_of

STOP_POLLING = 286  # htmx's own status: swap this and ask no more


@require_GET
@never_cache
def fragment(request: HttpRequest, token: str) -> HttpResponse:
    """The fragment's html now; 286 when it will not change any more. 404 for a token that is not this
    session's.
    """
    ticket = _ticket(request, token, "fragment")
    found = fragments.fragment_named(ticket.name)
    viewer = viewer_of(request.user, str(ticket.args.get("cluster", "")), ticket.language)
    if not found.may(viewer, ticket.args):
        raise PermissionDenied(permissions.get(found.permission).refusal())
    rendered = render.render(found, viewer, ticket.args, ticket.dom_id)
    return HttpResponse(rendered.html(), status=STOP_POLLING if rendered.finished else 200)


@require_GET
@never_cache
def stream(request: HttpRequest, token: str) -> HttpResponse:
    """The stream's next lines after `?cursor=`; the header `X-Cursor` says how far they reach."""
    ticket = _ticket(request, token, "stream")
    found = streams.stream_named(ticket.name)
    if not found.may(viewer_of(request.user, str(ticket.args.get("cluster", ""))), ticket.args):
        raise PermissionDenied(permissions.get(found.permission).refusal())
    cursor = request.GET.get("cursor", "0")
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        return HttpResponse(_("The cursor is a number."), status=422, content_type="text/plain")
    html, reached = found.read_after(ticket.args, int(cursor), streams.LIMIT)
    return HttpResponse(html, headers={"X-Cursor": str(reached)})


def _ticket(request: Any, token: str, kind: Literal["fragment", "stream"]) -> tokens.Ticket:
    try:
        ticket = tokens.read(token, user_pk=request.user.pk, session_key=request.session.session_key)
        known = fragments.fragment_named if ticket.kind == "fragment" else streams.stream_named
        known(ticket.name)
    except (tokens.BadToken, KeyError) as error:
        raise Http404(_("This part of the page is no longer valid; reload the page.")) from error
    if ticket.kind != kind:
        raise Http404
    return ticket
