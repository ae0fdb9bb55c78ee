"""Clients of the served models: they call a business service through the portal, without pause if asked."""

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

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


def answers(person: Person, service: str, model: str) -> bool:
    """Whether the service answers."""
    try:
        ask(person, service, model)
    except Untrue:
        return False
    return True


def pods_of(person: Person, service: str, model: str, *, times: int) -> Counter[str]:
    """Which pods answered how often."""
    return Counter(ask(person, service, model) for _ in range(times))


@dataclass(frozen=True)
class Try:
    """A request or stream that is over. `began` and `ended` by time.monotonic; `pod`: who answered, "" when
    nobody said so; `failure`: what was wrong with it, "" for nothing.
    """

    began: float
    ended: float
    pod: str
    failure: str


@dataclass
class Clients:
    """Clients of one service, each with one try after the other, without pause, until stopped."""

    person: Person
    service: str
    model: str
    clients: int = 1
    tries: list[Try] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.over = threading.Event()
        self.under_way: dict[int, float] = {}
        self.threads = [
            threading.Thread(target=self._go_on, args=(number,), daemon=True)
            for number in range(self.clients)
        ]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(60)

    @property
    def failures(self) -> list[str]:
        """What went wrong so far."""
        return [one.failure for one in list(self.tries) if one.failure]

    def done_since(self, moment: float) -> bool:
        """Whether every try that began before the moment is over."""
        return all(began >= moment for began in list(self.under_way.values()))

    def try_once(self) -> tuple[str, str]:
        """The pod that answered, and what was wrong."""
        raise NotImplementedError

    def _go_on(self, number: int) -> None:
        while not self.over.is_set():
            began = self.under_way[number] = time.monotonic()
            pod, failure = self.try_once()
            self.tries.append(Try(began, time.monotonic(), pod, failure))
            del self.under_way[number]


class Pressure(Clients):
    """Short requests."""

    def try_once(self) -> tuple[str, str]:
        """One chat completion."""
        try:
            return ask(self.person, self.service, self.model), ""
        except (Untrue, httpx.HTTPError) as error:
            return "", str(error) or type(error).__name__


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
class Streams(Clients):
    """Long streams."""

    tokens: int = 150

    def try_once(self) -> tuple[str, str]:
        """One streamed completion; one that does not end whole is cut."""
        stream = Stream(self.person, self.service, self.model, tokens=self.tokens)
        stream.run()
        cut = f"{stream.pod}: {stream.tokens} tokens, then {stream.failure or 'its end'}"
        return stream.pod, "" if stream.whole else cut
