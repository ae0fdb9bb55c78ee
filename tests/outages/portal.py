"""A throw-away stack of real processes with a small pool on it, and what the outages do to it."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from apps.gateways.connection import from_kubeconfig
from apps.gateways.errors import GatewayError
from apps.gateways.kubernetes import Kubernetes
from hyperpod_site.stack.services import Service
from hyperpod_site.stack.stack import Stack
from tests.processes import until
from tests.smoke.people import Person

T = TypeVar("T")
POOL = "pool"
PLACE = f"c/demo/pools/default/{POOL}"
COMMAND = "vllm serve Qwen/Qwen3-0.6B"
STRANGER = "a-token-without-any-rights"
PATIENCE = 60.0


@dataclass
class Portal:
    """The stack, its people, and its cluster's own admin."""

    stack: Stack
    alice: Person
    bob: Person

    @property
    def outside(self) -> Kubernetes:
        return Kubernetes(from_kubeconfig((self.stack.cluster_folder / "kubeconfig").read_text()))

    def service(self, name: str) -> Service:
        return next(service for service in self.stack.services if service.name == name)

    def mishap(self, **body: Any) -> None:
        self.outside.transport.request("POST", "/devcluster/mishaps", body=body)

    def calm(self) -> None:
        self.outside.transport.request("DELETE", "/devcluster/mishaps")

    def pods(self) -> dict[str, str]:
        """Who has which live pod, as the portal says."""
        pods = self.alice.ask(PLACE)["pods"]
        return {pod["name"]: pod["business"] for pod in pods if pod["live"]}

    def truth(self) -> dict[str, str]:
        """Who has which pod, as the cluster says."""
        pods = self.outside.list("pods", namespace="default", label_selector=f"app={POOL}")
        return {pod["metadata"]["name"]: pod["metadata"]["labels"]["business"] for pod in pods}

    def assign(self, pod: str, business: str) -> httpx.Response:
        body = {"podName": pod, "businessTag": business, "modelName": POOL, "force": True}
        return self.alice.api("POST", "assign-pod", body)

    def assign_by_page(self, pod: str, business: str) -> httpx.Response:
        data = {"csrfmiddlewaretoken": self.alice.token, "pod": pod, "business": business, "how": "now"}
        headers = {"HX-Request": "true"}
        return self.alice.http.post(f"/{PLACE}/move/", data={**data, "force": "on"}, headers=headers)

    def deploy(self, name: str, **more: Any) -> int:
        """Begin to deploy; the operation's number."""
        answer = self.alice.api("POST", "c/demo/deployments", {"command": COMMAND, "name": name, **more})
        assert answer.status_code == 202, answer.text
        return int(answer.json()["operation"])

    def ended(self, pk: int, *, seconds: float = PATIENCE) -> dict[str, Any]:
        """The operation once it has ended."""
        try:
            return until(lambda: self.end_of(pk), seconds=seconds, every=0.2, what=f"operation {pk} to end")
        except AssertionError:
            print(self.alice.api("GET", f"operations/{pk}").text, self.log_tail())
            raise

    def log_tail(self, count: int = 120) -> str:
        """The last lines of all processes."""
        lines = (self.stack.folder / "log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-count:])

    def end_of(self, pk: int) -> dict[str, Any] | None:
        with contextlib.suppress(Exception):
            found: dict[str, Any] = self.alice.ask(f"operations/{pk}")
            return None if found["active"] else found
        return None

    def make_pool(self, *, replicas: int) -> None:
        """A pool with businesses production and testing; returns when the portal sees its pods."""
        operation = self.ended(self.deploy(POOL, replicas=replicas, as_pool=True))
        assert operation["status"] == "succeeded", operation
        for tag in ("production", "testing"):
            wish = {"serviceName": f"pool-{tag}", "modelPool": POOL, "businessTag": tag}
            assert self.alice.api("POST", "deploy-service", wish).status_code == 200
        until(lambda: len(self.pods()) == replicas, seconds=30, what="the pool's pods in the mirror")

    def state(self) -> dict[str, Any]:
        """What is said of the cluster."""
        found: dict[str, Any] = self.alice.ask("cluster-status?cluster=demo")
        return found

    def recovered(self) -> None:
        """Until the mirror follows the cluster again."""
        until(lambda: fine(self.state()), seconds=PATIENCE, every=0.1, what="the mirror to follow again")

    def processes(self) -> dict[str, int]:
        """The pids of the portal's own processes: an outage must not need a restart."""
        own = {name: program for name, program in self.stack.programs.items() if name != "cluster"}
        assert all(program.running for program in own.values()), {n: p.running for n, p in own.items()}
        return {name: program.process.pid for name, program in own.items() if program.process}

    def moved(self, pod: str, business: str) -> bool:
        """Whether it is there now, after one more try."""
        return self.assign(pod, business).status_code == 200 or self.truth()[pod] == business

    def lent(self, pod: str, business: str) -> None:
        """Bring a pod to a business, whatever it takes."""
        if self.truth()[pod] != business:
            until(lambda: self.moved(pod, business), seconds=PATIENCE, every=0.5, what=f"{pod} to move")
        until(lambda: self.pods().get(pod) == business, seconds=30, what=f"the portal to see {pod} there")


def fine(state: dict[str, Any]) -> bool:
    return bool(state["loaded"] and not state["stale"] and not state["error"])


@contextlib.contextmanager
def away(service: Service) -> Iterator[None]:
    """Stopped inside the block, started again after it."""
    service.stop()
    try:
        yield
    finally:
        service.start()


def problem(answer: httpx.Response) -> dict[str, Any]:
    """A refusal of the API in words."""
    assert answer.headers["content-type"] == "application/problem+json", (
        answer.status_code,
        answer.text[:300],
    )
    body: dict[str, Any] = answer.json()
    assert body["success"] is False and body["detail"] and "Traceback" not in answer.text
    return body


def toast(answer: httpx.Response) -> str:
    """A refusal of a page in words."""
    assert "Traceback" not in answer.text
    return str(json.loads(answer.headers["hx-trigger"])["toast"]["text"])


def timed(what: str, look: Callable[[], T]) -> T:
    """Do it and print how long it took."""
    began = time.monotonic()
    answer = look()
    print(f"{what}: {time.monotonic() - began:.1f} s")
    return answer


def answers(kubernetes: Kubernetes) -> bool:
    with contextlib.suppress(GatewayError):
        return bool(kubernetes.version())
    return False


def register(portal: Portal, kubeconfig: Path) -> None:
    """Tell the portal another way to its cluster, as an admin would."""
    name = ("--slug", "demo", "--name", "Demo cluster")
    portal.stack.manage("register_cluster", *name, "--kubeconfig", str(kubeconfig))
