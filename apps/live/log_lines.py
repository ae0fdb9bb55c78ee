"""A container's lines as pages show them: the place of each for ever, and its html.

A place is a whole number that a browser can hold: microseconds since 2025 times 16, plus one for each
further line of the same moment. It follows from the log alone, so every process gives a line the same place,
and a page that comes back to another one goes on where it was.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Final

from ansi2html import Ansi2HTMLConverter
from django.utils import timezone

EPOCH: Final = datetime(2025, 1, 1, tzinfo=UTC)
PER_MICROSECOND: Final = 16
MICROSECOND: Final = timedelta(microseconds=1)
LONGEST: Final = 16 * 1024

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
ESCAPES = re.compile(r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|\[[0-9;?]*[ -/]*[@-ln-~]|[^\[\]]|$)")
VISIBLE: Final = {number: 0x2400 + number for number in range(32) if number not in (9, 27)}
LINE: Final = '<div class="log-line"><time title="{when}">{clock}</time> <span>{text}</span>{mark}</div>'


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. `cut` counts the bytes that are not kept of an overlong one; `at` is None without a time."""

    place: int
    at: datetime | None
    text: bytes
    cut: int = 0


def place_at(moment: datetime) -> int:
    """The first place of a moment; lines before 2025 stand at the beginning."""
    return max((moment - EPOCH) // MICROSECOND * PER_MICROSECOND, 1)


def second_of(place: int) -> datetime:
    """The full second in which a place lies: what a kubelet understands as `sinceTime`."""
    moment = EPOCH + timedelta(microseconds=place // PER_MICROSECOND)
    return moment.replace(microsecond=0)


class Places:
    """Gives lines their places, in order. Begin at a full second, or at the log's beginning."""

    def __init__(self) -> None:
        self._last = 0

    def line(self, raw: bytes) -> LogLine:
        """A line as the kubelet sends it with `timestamps`: RFC 3339 time, a blank, text."""
        stamp, _blank, text = raw.partition(b" ")
        at = moment_of(stamp)
        if at is None:
            text = raw
        self._last = max(self._last + 1, place_at(at) if at else 0)
        return LogLine(self._last, at, text[:LONGEST], max(len(text) - LONGEST, 0))


def moment_of(stamp: bytes) -> datetime | None:
    """The time in front of a line; None for what is none, such as the rest of an overlong line."""
    try:
        moment = datetime.fromisoformat(stamp.decode("ascii"))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def html_of(line: LogLine) -> str:
    """One element; everything that the container wrote is escaped, colours become classes."""
    at = timezone.localtime(line.at) if line.at else None
    return LINE.format(
        when=at.isoformat() if at else "",
        clock=f"{at:%H:%M:%S}" if at else "",
        text=text_html(line.text),
        mark=f'<em class="log-cut">… +{line.cut:,} B</em>' if line.cut else "",
    )


def text_html(raw: bytes) -> str:
    """Text with its colours; of a progress bar, which goes back to the line's beginning, the last state."""
    text = raw.decode(errors="replace").rstrip("\r").rpartition("\r")[2]
    if "\x1b" not in text:
        return escape(text.translate(VISIBLE))
    text = ESCAPES.sub("", text).translate(VISIBLE)
    if not COLOURS.search(text):
        return escape(text.replace("\x1b", ""))
    return Ansi2HTMLConverter(inline=False).convert(text, full=False, ensure_trailing_newline=False)
