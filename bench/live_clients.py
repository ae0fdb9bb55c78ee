"""Open pages for measurements, in a process of their own: `python -m bench.live_clients`, told what to do on
stdin.

First line: {"url", "cookie", "token", "pages", "kind"}; it prints "ready" when every page has its first
state. Then "reconnect" lets every page go and come back within two seconds; "reached" prints how far the
slowest page has read its stream; "shown" prints each state that pages show with their number; "end" prints
what was seen as JSON and ends it. A row's text holds `t<nanoseconds>`, the moment before its change was
written; a stream's lines begin with it.
"""

import asyncio
import json
import random
import re
import sys
import time
from collections import Counter
from functools import lru_cache
from typing import Any

import websockets

ROW = re.compile(r'<tr id="([^"]+)".*?</tr>', re.S)
STAMP = re.compile(r"t(\d{18,})")
LINE = re.compile(r"t(\d{18,})-(\d+)")
CHUNK = re.compile(r'data-after="(\d+)" data-cursor="(\d+)"')


@lru_cache(maxsize=512)
def read_rows(message: str) -> tuple[bool, dict[str, int], tuple[int, ...]]:
    """Whether it is the whole fragment, each row's stamp, and all stamps: one message goes to many pages."""
    found = {match[1]: STAMP.search(match[0]) for match in ROW.finditer(message)}
    rows = {dom_id: int(stamp[1]) if stamp else 0 for dom_id, stamp in found.items()}
    return 'hx-swap-oob="innerHTML"' in message, rows, tuple(rows.values())


@lru_cache(maxsize=512)
def read_lines(message: str) -> tuple[int, int, tuple[tuple[int, int], ...]] | None:
    """From which cursor to which, and (stamp, number) of each line; None when it is no chunk."""
    chunk = CHUNK.search(message)
    if chunk is None:
        return None
    lines = tuple((int(stamp), int(number)) for stamp, number in LINE.findall(message))
    return int(chunk[1]), int(chunk[2]), lines


class Page:
    """One open page: the rows or lines that a browser would show now, and how old each change was."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.rows: dict[str, int] = {}
        self.numbers: list[int] = []
        self.cursor = 0
        self.ages: list[float] = []
        self.frames = 0
        self.visits = 0
        self.first = asyncio.Event()
        self.socket: Any = None

    async def stay(self) -> None:
        """Connect, and again after every break."""
        while True:
            try:
                await self._visit()
            except (OSError, websockets.WebSocketException):
                await asyncio.sleep(random.uniform(0.1, 0.5))

    async def _visit(self) -> None:
        job = self.job
        address = job["url"].replace("http", "ws", 1) + "/ws/page/"
        headers = {"Cookie": job["cookie"]}
        async with websockets.connect(
            address, origin=job["url"], additional_headers=headers, max_size=None, compression=None
        ) as socket:
            self.socket = socket
            self.visits += 1
            cursor = self.cursor if job["kind"] == "stream" else None
            await socket.send(json.dumps({"join": [[job["token"], cursor]]}))
            if job["kind"] == "stream":
                self.first.set()
            async for message in socket:
                self.take(str(message))

    def take(self, message: str) -> None:
        """Apply one frame as htmx would."""
        if message.startswith("{"):
            return
        self.frames += 1
        now = time.time_ns()
        if self.job["kind"] == "stream":
            self._take_lines(message, now)
            return
        whole, rows, stamps = read_rows(message)
        if self.first.is_set():
            known = set(self.rows.values())
            self.ages += [(now - stamp) / 1e6 for stamp in stamps if stamp and stamp not in known]
        if whole:
            self.rows = dict(rows)
            self.first.set()
        else:
            self.rows.update({dom_id: stamp for dom_id, stamp in rows.items() if dom_id in self.rows})

    def seen(self) -> dict[str, Any]:
        """What the page got of its stream."""
        return {
            "delivered": len(self.numbers),
            "distinct": len(set(self.numbers)),
            "ordered": self.numbers == sorted(self.numbers),
        }

    def _take_lines(self, message: str, now: int) -> None:
        chunk = read_lines(message)
        if chunk is None or chunk[0] != self.cursor:
            return
        self.cursor = chunk[1]
        self.numbers += [number for _stamp, number in chunk[2]]
        self.ages += [(now - stamp) / 1e6 for stamp, _number in chunk[2][:: max(1, len(chunk[2]) // 5)]]


async def main() -> None:
    """Obey stdin."""
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    job = json.loads(await reader.readline())
    pages = [Page(job) for _number in range(job["pages"])]
    tasks = [asyncio.create_task(page.stay()) for page in pages]
    await asyncio.gather(*(page.first.wait() for page in pages))
    print("ready", flush=True)
    leaving: asyncio.Future[Any] = asyncio.gather()
    while (line := (await reader.readline()).decode().strip()) != "end":
        if line == "reconnect":
            leaving = asyncio.gather(*(leave(page) for page in pages))
        elif line == "reached":
            await leaving
            print(min(page.cursor for page in pages), flush=True)
        elif line == "shown":
            states = Counter(json.dumps(page.rows) for page in pages)
            print(json.dumps([[json.loads(state), count] for state, count in states.items()]), flush=True)
    for task in tasks:
        task.cancel()
    ages = [age for page in pages for age in page.ages]
    visits, frames = sum(page.visits for page in pages), sum(page.frames for page in pages)
    seen = [page.seen() for page in pages]
    print(json.dumps({"pages": seen, "ages": ages, "visits": visits, "frames": frames}), flush=True)


async def leave(page: Page) -> None:
    """Break the connection at some moment within two seconds; the page comes back by itself."""
    await asyncio.sleep(random.uniform(0, 2))
    if page.socket is not None:
        await page.socket.close(1011)


if __name__ == "__main__":
    asyncio.run(main())
