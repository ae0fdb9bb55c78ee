"""Clients of the served models: they call a business service through the portal, without pause if asked."""

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx

from tests.smoke.people import Person
from tests.smoke.report import Untrue

CHAT = "v1/chat/completions"


def question(model: str, *, tokens: int = 8, stream: bool = False) -> dict[str, object]:
    """A chat completion's request (OpenAI's shape, as vLLM takes it)."""
    messages = [{"role": "user", "content": "Count the GPUs, please."}]
    return {"model": model, "messages": messages, "max_tokens": tokens, "stream": stream}


def path(service: str) -> str:
    return f"/c/demo/services/default/{service}/proxy/{CHAT}"


def ask(person: Person, service: str, model: str) -> str:
    """One chat completion on a new connection; the name of the pod that answered. Raises Untrue."""
    answer = person.http.post(
        path(service), json=question(model), headers={"X-CSRFToken": person.token, "Connection": "close"}
    )
    if answer.status_code != 200:
        raise Untrue(f"{service} answered {answer.status_code}: {answer.text[:300]}")
    if not answer.json()["choices"][0]["message"]["content"]:
        raise Untrue(f"{service} answered nothing")
    return answer.headers["x-served-by"]


def pods_of(person: Person, service: str, model: str, *, times: int) -> Counter[str]:
    """Which pods answered how often."""
    return Counter(ask(person, service, model) for _ in range(times))


@dataclass
class Pressure:
    """Short requests to one service from several clients, without pause, until stopped."""

    person: Person
    service: str
    model: str
    clients: int = 4
    sent: int = 0
    failures: list[str] = field(default_factory=list)

    def __enter__(self) -> "Pressure":
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._press, daemon=True) for _ in range(self.clients)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(60)

    def _press(self) -> None:
        while not self.over.is_set():
            failure = ""
            try:
                ask(self.person, self.service, self.model)
            except (Untrue, httpx.HTTPError) as error:
                failure = str(error) or type(error).__name__
            with self.lock:
                self.sent += 1
                self.failures += [failure] if failure else []


class Stream(threading.Thread):
    """One streamed completion: which pod serves it, how many tokens came, and whether it ended whole."""

    def __init__(self, person: Person, service: str, model: str, *, tokens: int) -> None:
        super().__init__(daemon=True)
        self.person, self.service = person, service
        self.body = question(model, tokens=tokens, stream=True)
        self.pod = ""
        self.tokens = 0
        self.whole = False
        self.failure = ""
        self.seconds = 0.0
        self.unwanted = threading.Event()
        self.started_answer = threading.Event()

    def run(self) -> None:
        began = time.monotonic()
        headers = {"X-CSRFToken": self.person.token}
        try:
            with self.person.http.stream(
                "POST", path(self.service), json=self.body, headers=headers
            ) as answer:
                self.pod = answer.headers.get("x-served-by", "")
                self.started_answer.set()
                if answer.status_code != 200:
                    raise Untrue(f"status {answer.status_code}")
                self._read(answer)
        except (Untrue, httpx.HTTPError) as error:
            self.failure = str(error) or type(error).__name__
        self.started_answer.set()
        self.seconds = time.monotonic() - began

    def _read(self, answer: httpx.Response) -> None:
        for line in answer.iter_lines():
            if self.unwanted.is_set():
                return
            if line == "data: [DONE]":
                self.whole = True
            elif line.startswith("data: "):
                choices = json.loads(line.removeprefix("data: "))["choices"]
                self.tokens += sum(1 for choice in choices if choice["delta"].get("content"))


def stream_on(person: Person, service: str, model: str, pod: str, *, tokens: int) -> Stream:
    """A running stream that this very pod serves; others that were tried on the way are hung up."""
    for _ in range(60):
        stream = Stream(person, service, model, tokens=tokens)
        stream.start()
        stream.started_answer.wait(30)
        if stream.pod == pod:
            return stream
        stream.unwanted.set()
    raise Untrue(f"60 streams and none was served by {pod}")


@dataclass
class Streams:
    """Long streams to one service, one after the other, until stopped."""

    person: Person
    service: str
    model: str
    tokens: int = 150
    tried: int = 0
    cut: list[str] = field(default_factory=list)

    def __enter__(self) -> "Streams":
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join(60)

    def _follow(self) -> None:
        while not self.over.is_set():
            stream = Stream(self.person, self.service, self.model, tokens=self.tokens)
            stream.run()
            self.tried += 1
            if not stream.whole:
                self.cut.append(f"{stream.pod}: {stream.tokens} tokens, then {stream.failure or 'its end'}")
