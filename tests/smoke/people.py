"""A person at a browser, without the browser: logs in, opens pages, submits forms, holds their socket."""

import html.parser
import json
import re
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.smoke.report import Untrue, claim

PASSWORD = "demo-password"


class Parts(html.parser.HTMLParser):
    """The live parts of a page ({id: token}) and the values of its form controls ({name: value})."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.live: dict[str, tuple[str, int | None]] = {}
        self.values: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("data-live") and found.get("id"):
            cursor = found.get("data-cursor")
            self.live[str(found["id"])] = (str(found["data-live"]), int(cursor) if cursor else None)
        if tag == "input" and found.get("name"):
            self.values[str(found["name"])] = found.get("value") or ""


class Person:
    """One logged-in person; `seconds` is the deadline of each request."""

    def __init__(self, url: str, name: str, *, seconds: float = 30) -> None:
        self.url = url
        self.name = name
        self.http = httpx.Client(base_url=url, timeout=seconds, headers={"Origin": url})
        self.http.get("/accounts/login/")
        answer = self.post("/accounts/login/", {"username": name, "password": PASSWORD})
        claim(answer.status_code == 302, f"{name} could not log in: {answer.status_code}")

    @property
    def token(self) -> str:
        return self.http.cookies.get("csrftoken", "")

    def page(self, path: str) -> str:
        """The page's HTML. Raises Untrue unless it is there."""
        answer = self.http.get(path)
        claim(answer.status_code == 200, f"{self.name} got {answer.status_code} for {path}")
        return answer.text

    def post(self, path: str, data: Mapping[str, Any]) -> httpx.Response:
        """Submit a form's fields as its page would."""
        return self.http.post(path, data={"csrfmiddlewaretoken": self.token, **data})

    def api(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Call the JSON API with the session."""
        return self.http.request(method, f"/api/{path}", json=body, headers={"X-CSRFToken": self.token})

    def ask(self, path: str) -> Any:
        """The API's answer to a GET. Raises Untrue unless it is 200."""
        answer = self.api("GET", path)
        claim(
            answer.status_code == 200,
            f"{self.name} got {answer.status_code} for /api/{path}: {answer.text[:300]}",
        )
        return answer.json()

    def open(self, path: str) -> "OpenPage":
        """Open a page and keep its socket."""
        return OpenPage(self, path)


@dataclass(frozen=True)
class Frame:
    """One message of the socket."""

    at: float
    text: str


class OpenPage:
    """A page that stays open: it joins the page's live parts, and remembers every frame that arrives."""

    def __init__(self, person: Person, path: str) -> None:
        self.opened = time.monotonic()
        self.text = person.page(path)
        self.parts = Parts(self.text)
        claim(self.parts.live, f"{path} has no live parts")
        cookies = "; ".join(f"{name}={value}" for name, value in person.http.cookies.items())
        address = person.url.replace("http", "ws", 1) + "/ws/page/"
        self.frames: list[Frame] = []
        self._open = ExitStack()
        opening = connect(
            address,
            origin=person.url,
            additional_headers={"Cookie": cookies},
            compression=None,
            max_size=None,
        )
        self.socket: ClientConnection = self._open.enter_context(opening)
        self.socket.send(json.dumps({"leave": [], "join": [list(part) for part in self.parts.live.values()]}))
        threading.Thread(target=self._listen, daemon=True).start()

    def heard(self, pattern: str, *, since: float, seconds: float) -> float:
        """Seconds from `since` (time.monotonic) to the first frame that matches.

        Raises Untrue when there is none `seconds` from now.
        """
        end = time.monotonic() + seconds
        wanted = re.compile(pattern, re.DOTALL)
        while True:
            for frame in list(self.frames):
                if frame.at >= since and wanted.search(frame.text):
                    return frame.at - since
            if time.monotonic() > end:
                raise Untrue(
                    f"no frame with {pattern!r} within {seconds} s ({len(self.frames)} frames arrived)"
                )
            time.sleep(0.01)

    def close(self) -> None:
        self._open.close()

    def _listen(self) -> None:
        try:
            for message in self.socket:
                if not str(message).startswith("{"):
                    self.frames.append(Frame(time.monotonic(), str(message)))
        except ConnectionClosed:
            return
