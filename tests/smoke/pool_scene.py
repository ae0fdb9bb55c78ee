"""A pool of the pools scenario: its people, its cluster as an outsider sees it, and its clients."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson

from apps.gateways import labels
from apps.gateways.connection import from_kubeconfig
from apps.gateways.kubernetes import Kubernetes
from hyperpod_site.stack.stack import Stack
from tests.smoke.accident import NOTHING, Accident
from tests.smoke.met import Book, judge
from tests.smoke.people import Person
from tests.smoke.report import Report, Step, claim, until
from tests.smoke.traffic import Pressure, Streams, answers

MODEL = "Qwen/Qwen3-0.6B"
POOL = "crowd"
API = f"c/demo/pools/default/{POOL}"
SHARED = {"production": 3, "testing": 2, "staging": 1}
PATIENCE = 10.0
"""Seconds that a client waits for the next piece of an answer."""


@dataclass
class Happening:
    """A step under traffic; what happens in it may say which accident it was."""

    step: Step
    accident: Accident = NOTHING


@dataclass
class Scene:
    """The pool, its people, and what its clients met. `scale_downs` of which `lost` lent pods."""

    stack: Stack
    report: Report
    short: dict[str, Pressure] = field(default_factory=dict)
    long: dict[str, Streams] = field(default_factory=dict)
    scale_downs: int = 0
    lost: int = 0
    heals: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.alice = Person(self.stack.url, "alice")
        self.client = Person(self.stack.url, "alice", seconds=PATIENCE)
        self.kubeconfig = self.stack.cluster_folder / "kubeconfig"
        self.outside = Kubernetes(from_kubeconfig(self.kubeconfig.read_text()))
        self.book = Book(self.short, self.long)

    def send(self, clients: contextlib.ExitStack) -> None:
        """Short requests and long streams to each business, without pause, until the block ends."""
        for tag in SHARED:
            service = f"{POOL}-{tag}"
            until(partial(answers, self.alice, service, MODEL), f"an answer of {service}")
            self.short[tag] = clients.enter_context(Pressure(self.client, service, MODEL))
            self.long[tag] = clients.enter_context(Streams(self.client, service, MODEL))

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Happening]:
        """A step whose clients meet nothing but what its accident explains: without one, nothing at all."""
        with self.report.step(title) as step:
            happening = Happening(step)
            yield happening
            if happening.accident is not NOTHING:  # what it spoils must not be met by the next step
                ended = time.monotonic()
                until(lambda: self.book.done_since(ended), "what the clients began to be over", seconds=60)
            for line in judge(self.book.page(), happening.accident):
                step.tell(line)

    def pods(self, business: str) -> list[str]:
        """Live and Ready pods of a business, as the portal says."""
        found = self.alice.ask(API)["pods"]
        return sorted(
            pod["name"] for pod in found if pod["business"] == business and pod["live"] and pod["ready"]
        )

    def everyone(self) -> frozenset[str]:
        """All pods, of whatever version and state."""
        return frozenset(pod["name"] for pod in self.alice.ask(API)["pods"])

    def split(self) -> dict[str, int]:
        """So many pods serve each business."""
        return {tag: len(self.pods(tag)) for tag in SHARED}

    def live(self) -> frozenset[str]:
        """The pods that are live and Ready."""
        return frozenset(pod["name"] for pod in self.alice.ask(API)["pods"] if pod["live"] and pod["ready"])

    def listed(self) -> dict[str, frozenset[str]]:
        """The pods that the endpoints of each business list, as the cluster says."""
        found: dict[str, set[str]] = {tag: set() for tag in SHARED}
        for item in self.outside.list("endpointslices", namespace="default"):
            tag = item["metadata"]["labels"].get(labels.SERVICE_NAME, "").removeprefix(f"{POOL}-")
            for endpoint in item.get("endpoints") or []:
                if tag in found and endpoint["conditions"].get("ready"):
                    found[tag].add(endpoint["targetRef"]["name"])
        return {tag: frozenset(names) for tag, names in found.items()}

    def do(self, method: str, path: str, body: Any, *, seconds: float = 180) -> None:
        """A request that starts an operation, and that operation's success."""
        answer = self.alice.api(method, path, body)
        claim(answer.status_code < 300, f"{path} answered {answer.status_code}: {answer.text[:400]}")
        self.succeeded(answer.json()["operation"], path, seconds)

    def succeeded(self, pk: int, what: str, seconds: float) -> None:
        """Wait for an operation's end. Raises Untrue unless it succeeded."""
        ended = until(lambda: self.ended(pk), f"operation {pk} to end", seconds=seconds, every=0.3)
        claim(ended["status"] == "succeeded", f"{what}: it {ended['status']}: {ended['message']}")

    def ended(self, pk: int) -> dict[str, Any] | None:
        """The operation, once it is over."""
        found: dict[str, Any] = self.alice.ask(f"operations/{pk}")
        return None if found["active"] else found

    def mishap(self, body: dict[str, Any]) -> str:
        """Have something go wrong in the cluster. Returns what `mend` takes."""
        answer = self.outside.transport.request("POST", "/devcluster/mishaps", body=body)
        return str(orjson.loads(answer)["id"])

    def mend(self, mishap: str) -> None:
        """End a mishap."""
        self.outside.transport.request("DELETE", f"/devcluster/mishaps/{mishap}")
