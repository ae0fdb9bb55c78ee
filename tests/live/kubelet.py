"""A container's log as a kubelet serves it: whole seconds for `since`, cuts, ends, several readers."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from apps.gateways.errors import Unreachable

BEGIN = datetime(2026, 11, 22, 4, 0, 0, tzinfo=UTC)


class Reading:
    """One open log."""

    def __init__(self, container: "Container", begin: int, *, follow: bool) -> None:
        self.container, self.at, self.follow = container, begin, follow
        self.closed = self.cut = False

    def __iter__(self) -> Iterator[bytes]:
        while True:
            with self.container.changed:
                while self.at >= len(self.container.lines) and self.follow and not (self.cut or self.closed):
                    self.container.changed.wait(5)
                if self.cut:
                    raise Unreachable("The connection broke.")
                if self.closed or self.at >= len(self.container.lines):
                    return
                moment, text = self.container.lines[self.at]
                self.at += 1
            yield f"{moment:%Y-%m-%dT%H:%M:%S.%f}000Z ".encode() + text

    def close(self) -> None:
        with self.container.changed:
            self.closed = True
            self.container.changed.notify_all()


class Container:
    """Writes lines `step` apart; `opened` keeps every reading."""

    def __init__(self, *, step: timedelta = timedelta(milliseconds=150)) -> None:
        self.lines: list[tuple[datetime, bytes]] = []
        self.opened: list[Reading] = []
        self.asked: list[dict[str, object]] = []
        self.changed = threading.Condition()
        self.step = step

    def write(self, first: int, last: int) -> None:
        """Numbered lines."""
        with self.changed:
            for number in range(first, last + 1):
                self.lines.append((BEGIN + self.step * len(self.lines), f"line {number}".encode()))
            self.changed.notify_all()

    def open(self, *, follow: bool, tail: int | None = None, since: datetime | None = None) -> Reading:
        """As `Kubernetes.logs` does."""
        self.asked.append({"follow": follow, "tail": tail, "since": since})
        begin = max(len(self.lines) - tail, 0) if tail is not None else 0
        if since is not None:
            begin = sum(moment < since for moment, _text in self.lines)
        reading = Reading(self, begin, follow=follow)
        self.opened.append(reading)
        return reading

    def cut(self) -> None:
        """Break every open connection."""
        with self.changed:
            for reading in self.opened:
                reading.cut = True
            self.changed.notify_all()
