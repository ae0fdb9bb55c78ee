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
    marked = [_out_of_band(row_id, html) for row_id, html in now.changed_rows(before).items()]
    if None in marked:
        return whole(dom_id, now)
    if marked or before.rows.keys() != now.rows.keys():
        frames.append("".join([*filter(None, marked), *_come_and_gone(before, now)]))
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


def _come_and_gone(before: Rendered, now: Rendered) -> list[str]:
    """The rows of several lists that are only in one of the two states."""
    gone = [
        f'<div id="{escape(row)}" hx-swap-oob="delete"></div>' for row in before.rows if row not in now.rows
    ]
    come = [
        f'<div hx-swap-oob="beforeend:#{escape(now.places[row])}">{html}</div>'
        for row, html in now.rows.items()
        if row not in before.rows
    ]
    return gone + come


def _out_of_band(dom_id: str, html: str) -> str | None:
    """The element marked to replace its namesake; None when its template forgot the id."""
    mark = f'id="{escape(dom_id)}"'
    head, found, tail = html.partition(mark)
    return f'{head}{mark} hx-swap-oob="true"{tail}' if found and ">" not in head else None
