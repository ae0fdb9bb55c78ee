"""A pool under traffic: shared out, moved, scaled, hit by accidents, taken back."""

import contextlib
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import orjson

from apps.gateways.connection import from_kubeconfig
from apps.gateways.kubernetes import Kubernetes
from hyperpod_site.stack.stack import Stack
from tests.smoke.people import Parts, Person
from tests.smoke.report import Report, Step, Untrue, claim, until
from tests.smoke.traffic import Pressure, Streams, ask

DEVCLUSTER = ("--nodes", "3", "--gpus-per-node", "8", "--lag", "1.0", "--startup", "1", "--node-grace", "5")
COMMAND = "vllm serve Qwen/Qwen3-0.6B --max-model-len 4096"
MODEL = "Qwen/Qwen3-0.6B"
POOL = "crowd"
API = f"c/demo/pools/default/{POOL}"
SHARED = {"production": 3, "testing": 2, "staging": 1}
HEALED = 90.0


class Walk:
    """The pool, its people, and what its clients met."""

    def __init__(self, stack: Stack) -> None:
        self.alice = Person(stack.url, "alice")
        self.outside = Kubernetes(from_kubeconfig((stack.cluster_folder / "kubeconfig").read_text()))
        self.short: dict[str, Pressure] = {}
        self.long: dict[str, Streams] = {}
        self.scaled, self.lost = 0, 0
        self.heals: dict[str, float] = {}

    def pods(self, business: str) -> list[str]:
        """Live and Ready pods of a business."""
        found = self.alice.ask(API)["pods"]
        return sorted(
            pod["name"] for pod in found if pod["business"] == business and pod["live"] and pod["ready"]
        )

    def split(self) -> dict[str, int]:
        return {tag: len(self.pods(tag)) for tag in SHARED}

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
        found: dict[str, Any] = self.alice.ask(f"operations/{pk}")
        return None if found["active"] else found

    def met(self) -> tuple[int, int, int, int]:
        """Requests sent and failed, streams tried and cut, so far."""
        short, long = self.short.values(), self.long.values()
        return (
            sum(item.sent for item in short),
            sum(len(item.failures) for item in short),
            sum(item.tried for item in long),
            sum(len(item.cut) for item in long),
        )

    def said(self) -> str:
        """The newest failures, for the words of an untruth."""
        failures = [words for item in self.short.values() for words in item.failures[-2:]]
        return "; ".join(failures + [words for item in self.long.values() for words in item.cut[-2:]])

    def mishap(self, body: dict[str, Any]) -> str:
        answer = self.outside.transport.request("POST", "/devcluster/mishaps", body=body)
        return str(orjson.loads(answer)["id"])

    def mend(self, mishap: str) -> None:
        self.outside.transport.request("DELETE", f"/devcluster/mishaps/{mishap}")


def walk(stack: Stack, report: Report) -> None:
    """Every step in order. Raises Untrue at the first that is not so."""
    scene = Walk(stack)
    prepare(scene, report)
    with contextlib.ExitStack() as clients:
        traffic(scene, clients)
        shared_out(scene, report)
        drained(scene, report)
        scaled(scene, report)
        shares(scene, report)
        accidents(scene, report)
    summary(scene, report)


@contextlib.contextmanager
def unharmed(scene: Walk, step: Step) -> Iterator[None]:
    """Whatever happens inside fails no request and cuts no stream."""
    before = scene.met()
    yield
    time.sleep(1)  # answers that are on their way count, too
    sent, failed, tried, cut = (now - then for now, then in zip(scene.met(), before, strict=True))
    step.count(f"{sent} requests, {failed} failed; {tried} streams, {cut} cut")
    claim((failed, cut) == (0, 0), f"{failed} requests failed and {cut} streams were cut: {scene.said()}")


def prepare(scene: Walk, report: Report) -> None:
    with report.step("a pool of eight pods and three businesses with one pod each") as step:
        form = Parts(scene.alice.page("/c/demo/deploy/")).values
        wish = {"command": COMMAND, "name": POOL, "replicas": "8", "as_pool": "on", "key": form["key"]}
        answer = scene.alice.post("/c/demo/deploy/", wish)
        claim(answer.status_code == 302, f"deploy answered {answer.status_code}: {answer.text[:500]}")
        scene.succeeded(int(answer.headers["location"].strip("/").rsplit("/", 1)[1]), "the deployment", 240)
        until(lambda: len(scene.pods("unassigned")) == 8, "eight free pods", seconds=120)
        for tag in SHARED:
            made = scene.alice.api("POST", f"{API}/services", {"name": f"crowd-{tag}", "business": tag})
            claim(made.status_code == 201, f"{tag}: {made.status_code} {made.text[:300]}")
            pod = scene.pods("unassigned")[0]
            scene.alice.api("POST", f"{API}/pods/{pod}/business", {"business": tag})
        until(lambda: scene.split() == dict.fromkeys(SHARED, 1), "one pod each")
        step.count(scene.alice.ask(f"pool-status/{POOL}")["status"])


def traffic(scene: Walk, clients: contextlib.ExitStack) -> None:
    """Short requests and long streams to each business, without pause, until the block ends."""
    for tag in SHARED:
        service = f"crowd-{tag}"
        until(partial(answers, scene, service), f"an answer of {service}")
        scene.short[tag] = clients.enter_context(Pressure(scene.alice, service, MODEL, clients=1))
        scene.long[tag] = clients.enter_context(Streams(scene.alice, service, MODEL))


def answers(scene: Walk, service: str) -> bool:
    try:
        ask(scene.alice, service, MODEL)
    except Untrue:
        return False
    return True


def shared_out(scene: Walk, report: Report) -> None:
    with report.step("shared out 3:2:1 with two pods kept free") as step, unharmed(scene, step):
        scene.do("POST", f"{API}/distribute", {"ratios": {**SHARED, "unassigned": 2}})
        until(lambda: scene.split() == SHARED, "the new split")


def drained(scene: Walk, report: Report) -> None:
    with report.step("a pod moved, drained, and the move taken back") as step, unharmed(scene, step):
        pod = scene.pods("production")[0]
        scene.do("POST", f"{API}/pods/{pod}/business", {"business": "testing", "drain": True})
        until(lambda: pod in scene.pods("testing"), "the pod at testing")
        change = next(row["change"] for row in scene.alice.ask(f"{API}/history") if row["change"])
        scene.do("POST", f"{API}/undo", {"change": change})
        until(lambda: scene.split() == SHARED, "the split as before")


def scaled(scene: Walk, report: Report) -> None:
    with report.step("scaled 8 to 10 to 6 to 8; only free pods went") as step, unharmed(scene, step):
        lent = {pod for tag in SHARED for pod in scene.pods(tag)}
        for size in (10, 6, 8):
            wish = {"deploymentName": POOL, "targetReplicas": size}
            scene.do("POST", "scale-pool-deployment", wish)
            until(partial(has_live, scene, size), f"{size} pods", seconds=90)
        scene.scaled += 1
        scene.lost = len(lent - {pod for tag in SHARED for pod in scene.pods(tag)})
        claim(scene.lost == 0, f"{scene.lost} lent pods were lost")


def has_live(scene: Walk, size: int) -> bool:
    return live(scene) == size


def live(scene: Walk) -> int:
    return sum(pod["live"] and pod["ready"] for pod in scene.alice.ask(API)["pods"])


def shares(scene: Walk, report: Report) -> None:
    with report.step("shares are kept from now on"):
        wishes = [{"business": tag, "count": count, "floor": 1} for tag, count in SHARED.items()]
        answer = scene.alice.api("PUT", f"{API}/shares", {"shares": wishes, "patience": 5, "dwell": 5})
        claim(answer.status_code == 200, f"shares answered {answer.status_code}: {answer.text[:300]}")
        scene.alice.api("POST", f"{API}/shares/switch", {"enabled": True})


def accidents(scene: Walk, report: Report) -> None:
    """One production pod after the other is lost; a spare takes its place."""
    kinds = {"killed": kill, "evicted": evict, "on a lost node": lose_node}
    for word, accident in kinds.items():
        with report.step(f"a lent pod is {word}; another takes over") as step:
            until(partial(quiet, scene), "every share kept, and a spare", seconds=120, every=0.5)
            pod = scene.pods("production")[0]
            began, mishap = time.monotonic(), accident(scene, pod)
            until(partial(healed, scene, pod), f"the share without {pod}", seconds=HEALED)
            scene.heals[word] = time.monotonic() - began
            step.count(f"whole again after {scene.heals[word]:.1f} s")
            if mishap:
                scene.mend(mishap)


def healed(scene: Walk, lost: str) -> bool:
    now = scene.pods("production")
    return lost not in now and len(now) == SHARED["production"]


def kill(scene: Walk, pod: str) -> str:
    scene.outside.delete("pods", pod, namespace="default", grace=0)
    return ""


def evict(scene: Walk, pod: str) -> str:
    path = f"/api/v1/namespaces/default/pods/{pod}/eviction"
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    scene.outside.transport.request("POST", path, body=body)
    return ""


def lose_node(scene: Walk, pod: str) -> str:
    node = scene.outside.get("pods", pod, namespace="default")["spec"]["nodeName"]
    return scene.mishap({"kind": "lose_node", "name": node})


def quiet(scene: Walk) -> bool:
    """Whether all shares are kept and a spare is there; pods kept aside for inspection may be lent again."""
    for item in scene.alice.ask(f"{API}/shares")["aside"]:
        scene.alice.api("POST", f"{API}/shares/clear-aside", {"pod": item["pod"]})
    return scene.split() == SHARED and bool(scene.pods("unassigned")) and live(scene) == 8


def summary(scene: Walk, report: Report) -> None:
    with report.step("what the clients met, per business") as step:
        for tag in SHARED:
            short, long = scene.short[tag], scene.long[tag]
            words = f"{tag}: {short.sent} requests, {len(short.failures)} failed"
            step.count(f"{words}, {long.tried} streams, {len(long.cut)} cut")
        step.count(f"{scene.lost} lent pods lost to {scene.scaled} scale-downs")
        step.count(", ".join(f"{word} healed in {spent:.1f} s" for word, spent in scene.heals.items()))
