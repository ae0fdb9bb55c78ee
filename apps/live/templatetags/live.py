"""`{% fragment %}` and `{% stream %}` put a live part on a page, `{% live %}` opens the page's one socket."""

from typing import Any

from django import template
from django.core.exceptions import PermissionDenied
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from apps.accounts import permissions
from apps.live import fragments, render, streams, tokens
from apps.live.viewers import viewer_of

register = template.Library()


@register.simple_tag(takes_context=True)
def fragment(context: Any, name: str, *, dom_id: str = "", css: str = "", **args: Any) -> SafeString:
    """The fragment, rendered now inside an element of its own that the socket keeps fresh.

    `{% fragment "clusters.nodes" cluster=cluster.slug q=q %}`; `dom_id` and `css` are the element's id and
    classes.
    """
    found = fragments.fragment_named(name)
    request = context["request"]
    viewer = viewer_of(request.user, str(args.get("cluster", "")))
    if not found.may(viewer, args):
        raise PermissionDenied(permissions.get(found.permission).refusal())
    element = dom_id or fragments.default_dom_id(name, args)
    html = render.render(found, viewer, args, element).html()
    token = tokens.sign(_ticket(request, "fragment", name, args, element))
    return format_html('<div id="{}" class="{}" data-live="{}">{}</div>', element, css, token, html)


@register.simple_tag(takes_context=True)
def stream(
    context: Any, name: str, *, cursor: int = 0, dom_id: str = "", css: str = "", **args: Any
) -> SafeString:
    """The stream's first lines after `cursor`; the socket appends what follows, nothing lost or doubled."""
    found = streams.stream_named(name)
    request = context["request"]
    if not found.may(viewer_of(request.user, str(args.get("cluster", ""))), args):
        raise PermissionDenied(permissions.get(found.permission).refusal())
    element = dom_id or fragments.default_dom_id(name, args)
    html, reached = found.read_after(args, cursor, streams.LIMIT)
    token = tokens.sign(_ticket(request, "stream", name, args, element))
    shape = '<div id="{}" class="{}" data-live="{}" data-cursor="{}">{}</div>'
    lines = mark_safe(html)  # noqa: S308  the stream's own rendering, which escapes its lines
    return format_html(shape, element, css, token, reached, lines)


@register.filter
def rows_here(place: str) -> SafeString:
    """Where the rows of that place go, if the fragment's `Rows` have places: the id of the list's element."""
    return render.rows_here(place)


@register.inclusion_tag("live/socket.html", takes_context=True)
def live(context: Any) -> dict[str, Any]:
    """The page's socket and its small scripts; nothing for people who are not logged in."""
    user = getattr(context.get("request"), "user", None)
    return {"connected": user is not None and user.is_authenticated}


def _ticket(request: Any, kind: Any, name: str, args: dict[str, Any], dom_id: str) -> tokens.Ticket:
    return tokens.Ticket(
        kind=kind,
        name=name,
        args=args,
        dom_id=dom_id,
        language=get_language() or "en",
        user_pk=request.user.pk,
        session=tokens.session_mark(request.session.session_key),
        expires=tokens.expiry_of(request.session),
    )
