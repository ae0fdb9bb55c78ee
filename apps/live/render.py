"""Rendering a fragment: rows once per state and role, shared by pages and pushes, and what differs from
before.
"""

import re
import secrets
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe

from apps.live.fragments import Args, Fragment, Rows
from apps.live.viewers import Viewer

MEMO_ROWS = 20_000
_MARK = secrets.token_hex(8)  # per process, so that no text from a cluster can contain it
ROWS = re.compile(rf"\ue000rows-{_MARK}:([^\ue000]*)\ue000")
SUMMARY_HERE = mark_safe(f"\ue000summary-{_MARK}\ue000")  # noqa: S308  our own constant


def rows_here(place: str = "") -> SafeString:
    """The mark in a shell where the rows of that place go; a fragment without places has one for all."""
    return mark_safe(f"\ue000rows-{_MARK}:{place}\ue000")  # noqa: S308  a constant and an id of ours


@dataclass(frozen=True)
class Rendered:
    """One state of a fragment: the html around the rows, the rows by DOM id in their order, the summary.

    `places` says in which element each row stands, where there are several (`Rows.place`).
    """

    shell: str
    rows: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    summary_id: str = ""
    finished: bool = False
    places: Mapping[str, str] = field(default_factory=dict)

    def html(self) -> SafeString:
        """The whole fragment."""
        lists: defaultdict[str, list[str]] = defaultdict(list)
        for dom_id, row in self.rows.items():
            lists[self.places.get(dom_id, "")].append(row)
        whole = ROWS.sub(lambda found: "".join(lists[found[1]]), self.shell)
        return mark_safe(whole.replace(SUMMARY_HERE, self.summary))  # noqa: S308  put together from rendered templates

    def same_places(self, other: "Rendered") -> bool:
        """Whether only rows and summary can differ: the same ids in the same order inside the same shell
        (rule 9). Where rows have places, the page sorts them, and any of them may come and go.
        """
        sorted_by_page = bool(self.places or other.places)
        return self.shell == other.shell and (sorted_by_page or list(self.rows) == list(other.rows))

    def changed_rows(self, before: "Rendered") -> dict[str, str]:
        """The rows that were there before and differ."""
        return {
            dom_id: html
            for dom_id, html in self.rows.items()
            if dom_id in before.rows and before.rows[dom_id] != html
        }


class Memo:
    """Rendered rows, the most recently used ones; safe between threads."""

    def __init__(self, size: int = MEMO_ROWS) -> None:
        self.hits = self.misses = 0
        self._size = size
        self._rows: OrderedDict[Any, str] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any) -> str | None:
        """The row's html, if known."""
        with self._lock:
            html = self._rows.get(key)
            if html is None:
                self.misses += 1
            else:
                self.hits += 1
                self._rows.move_to_end(key)
            return html

    def put(self, key: Any, html: str) -> None:
        """Keep a row's html."""
        with self._lock:
            self._rows[key] = html
            if len(self._rows) > self._size:
                self._rows.popitem(last=False)


memo = Memo()


def render(fragment: Fragment, viewer: Viewer, args: Args, dom_id: str) -> Rendered:
    """The fragment as these viewers see it now, in their language. What the context raises goes through."""
    with translation.override(viewer.language):
        context = fragment.context(viewer, **args)
        context = {**args, **context, "viewer": viewer, "fragment_id": dom_id}
        finished = bool(context.get("finished"))
        if fragment.rows is None:
            return Rendered(shell=render_to_string(fragment.template, context), finished=finished)
        return _render_rows(fragment, fragment.rows, viewer, args, context)


def _render_rows(
    fragment: Fragment, rows: Rows, viewer: Viewer, args: Args, context: dict[str, Any]
) -> Rendered:
    cluster = str(args.get("cluster", ""))
    items = context[rows.items]
    html = {rows.dom_id(row): _row(fragment, rows, viewer, cluster, row) for row in items}
    summary_id = f"{context['fragment_id']}-summary"
    context |= {"summary_id": summary_id, "rows_html": rows_here(), "summary_html": SUMMARY_HERE}
    return Rendered(
        shell=render_to_string(fragment.template, context),
        rows=html,
        places={rows.dom_id(row): rows.place(row) for row in items} if rows.place else {},
        summary=render_to_string(rows.summary, context) if rows.summary else "",
        summary_id=summary_id if rows.summary else "",
        finished=bool(context.get("finished")),
    )


def _row(fragment: Fragment, rows: Rows, viewer: Viewer, cluster: str, row: Any) -> str:
    """One row, from the memo when this state of it has been rendered for these viewers."""
    dom_id = rows.dom_id(row)
    key = (fragment.name, dom_id, rows.version(row), cluster, viewer)
    html = memo.get(key)
    if html is None:
        context = {"row": row, "viewer": viewer, "cluster": cluster, "dom_id": dom_id}
        html = render_to_string(rows.template, context)
        memo.put(key, html)
    return html
