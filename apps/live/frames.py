"""Frames: what goes to the browser so that htmx's ws extension swaps it in (hx-swap-oob).

A frame is one socket message. Table rows travel in a message of their own: after a non-table element the
browser's parser drops `<tr>` silently (rule 10).
"""

from django.utils.html import escape, format_html

from apps.live.render import Rendered


def whole(dom_id: str, rendered: Rendered) -> list[str]:
    """The fragment anew, inside its element."""
    return [format_html('<div id="{}" hx-swap-oob="innerHTML">{}</div>', dom_id, rendered.html())]


def difference(dom_id: str, before: Rendered | None, now: Rendered) -> list[str]:
    """What brings a page from one state to the next: nothing, changed rows and the summary, or all of it."""
    if before is None or not before.same_places(now):
        return whole(dom_id, now)
    frames = []
    changed = now.changed_rows(before)
    if changed:
        marked = [_out_of_band(row_id, html) for row_id, html in changed.items()]
        if None in marked:
            return whole(dom_id, now)
        frames.append("".join(filter(None, marked)))
    if now.summary != before.summary:
        summary = _out_of_band(now.summary_id, now.summary)
        if summary is None:
            return whole(dom_id, now)
        frames.append(summary)
    return frames


def chunk(dom_id: str, after: int, reached: int, html: str) -> list[str]:
    """Lines to append to a stream's element, if the page has read exactly up to `after`."""
    return [
        f'<div id="{escape(dom_id)}" hx-swap-oob="beforeend">'
        f'<div data-after="{after}" data-cursor="{reached}">{html}</div></div>'
    ]


def _out_of_band(dom_id: str, html: str) -> str | None:
    """The element marked to replace its namesake; None when its template forgot the id."""
    mark = f'id="{escape(dom_id)}"'
    head, found, tail = html.partition(mark)
    return f'{head}{mark} hx-swap-oob="true"{tail}' if found and ">" not in head else None
