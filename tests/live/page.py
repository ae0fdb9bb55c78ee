"""A page as a browser would hold it: applies the socket's frames like htmx's ws extension and live.js do."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(
    {"br", "hr", "img", "input", "meta", "link", "source", "wbr", "area", "col", "embed", "track"}
)


class _Spans(HTMLParser):
    """Where each element begins and ends in a text: (tag, attributes, start, inner start, inner end, end)."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[tuple[str, dict[str, str | None], int, int, int, int, int]] = []
        self._lines = [0]
        for line in html.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self._open: list[tuple[str, dict[str, str | None], int, int]] = []
        self.feed(html)

    def _here(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            start = self._here()
            self._open.append((tag, dict(attrs), start, start + len(self.get_starttag_text() or "")))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1][0] == tag:
            name, attrs, start, inner = self._open.pop()
            end = self._here()
            self.found.append((name, attrs, start, inner, end, end + len(tag) + 3, len(self._open)))


@dataclass
class Page:
    """Elements by id with their inner html; `frames` and `beats` count what came."""

    elements: dict[str, str] = field(default_factory=dict)
    cursors: dict[str, int] = field(default_factory=dict)
    frames: int = 0
    beats: int = 0
    hearing: bool = False
    skipped: int = 0
    lost_rows: list[str] = field(default_factory=list)

    def take(self, message: str) -> None:
        """One socket message."""
        if message.startswith("{"):
            self.beats += 1
            self.hearing = json.loads(message)["beat"]["hearing"]
            return
        self.frames += 1
        top = [span for span in _Spans(message).found if span[6] == 0]
        for tag, attrs, start, inner, inner_end, end, _depth in top:
            how, dom_id = attrs.get("hx-swap-oob"), attrs.get("id") or ""
            if how == "innerHTML":
                self.elements[dom_id] = message[inner:inner_end]
            elif how == "beforeend":
                self._append(dom_id, message[inner:inner_end])
            elif how == "true":
                text = message[start:end].replace(' hx-swap-oob="true"', "", 1)
                self._replace(dom_id, text)
            else:
                raise AssertionError(f"<{tag}> without a place: {message[:200]}")

    def _replace(self, dom_id: str, html: str) -> None:
        for holder, content in self.elements.items():
            for span in _Spans(content).found:
                if span[1].get("id") == dom_id:
                    self.elements[holder] = content[: span[2]] + html + content[span[5] :]
                    return
        self.lost_rows.append(dom_id)

    def _append(self, dom_id: str, chunk: str) -> None:
        """As live.js: a chunk counts only when it begins where the page has read to."""
        attrs = next(span[1] for span in _Spans(chunk).found if span[6] == 0)
        if int(attrs["data-after"] or 0) != self.cursors.get(dom_id, 0):
            self.skipped += 1
            return
        self.elements[dom_id] = self.elements.get(dom_id, "") + chunk
        self.cursors[dom_id] = int(attrs["data-cursor"] or 0)
