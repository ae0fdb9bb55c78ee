"""The main job: from a fresh stack to a pod that changes hands, live."""

import re
import shutil
import statistics
import subprocess
import time
from typing import Any

from apps.gateways.connection import from_kubeconfig
from apps.gateways.kubernetes import Kubernetes
from hyperpod_site.stack.stack import Stack
from tests.smoke.people import OpenPage, Parts, Person
from tests.smoke.report import Report, claim, until
from tests.smoke.traffic import Pressure, ask, pods_of, stream_on

DEVCLUSTER = ("--nodes", "4", "--gpus-per-node", "8", "--lag", "1.0", "--startup", "1", "--quiet")
COMMAND = "vllm serve Qwen/Qwen3-0.6B --tensor-parallel-size 1 --max-model-len 4096"
MODEL = "Qwen/Qwen3-0.6B"
POOL = "qwen-pool"
PLACE = f"/c/demo/pools/default/{POOL}/"
ANSWERS = 40
STREAM_TOKENS = 500  # at the development server's 50 tokens/s: ten seconds
LIVE_SECONDS = 1.0
PATIENCE = 10.0


class Walk:
    """The scenario's state: the stack, the people, and what was measured on the way."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.alice = Person(stack.url, "alice")
        self.bob = Person(stack.url, "bob")
        self.root = Person(stack.url, "root")
        self.page: OpenPage | None = None
        self.delays: list[float] = []

    def pods(self, business: str) -> list[str]:
        pods = self.alice.ask(f"c/demo/pools/default/{POOL}")["pods"]
        return sorted(pod["name"] for pod in pods if pod["business"] == business and pod["live"])

    def status(self) -> str:
        return str(self.alice.ask(f"pool-status/{POOL}")["status"])

    def operation(self, pk: int, *, seconds: float = 120) -> dict[str, Any]:
        """The operation once it has ended."""
        return until(lambda: ended(self.alice, pk), f"operation {pk} to end", seconds=seconds, every=0.2)

    def seen_by_viewer(self, pattern: str, since: float) -> float:
        """Seconds until the viewer's open page was told; kept for the summary."""
        assert self.page is not None
        delay = self.page.heard(pattern, since=since, seconds=PATIENCE)
        self.delays.append(delay)
        return delay


def ended(person: Person, pk: int) -> dict[str, Any] | None:
    found: dict[str, Any] = person.ask(f"operations/{pk}")
    return None if found["active"] else found


def walk(stack: Stack, report: Report) -> None:
    """Every step in order. Raises Untrue at the first that is not so."""
    with report.step("three people log in") as step:
        scene = Walk(stack)
        step.count("alice operator, bob viewer, root admin")
    nodes(scene, report)
    deploy(scene, report)
    businesses(scene, report)
    answers(scene, report)
    drained_move(scene, report)
    viewer(scene, report)
    audit(scene, report)
    killed_worker(scene, report)
    from_outside(scene, report)
    with report.step("the viewer's page was told of every change without a reload") as step:
        median, worst = statistics.median(scene.delays), max(scene.delays)
        step.count(f"{len(scene.delays)} changes, median {median * 1000:.0f} ms, worst {worst * 1000:.0f} ms")
        claim(median <= LIVE_SECONDS, f"half of the changes took longer than {LIVE_SECONDS} s")


def nodes(scene: Walk, report: Report) -> None:
    with report.step("the operator sees nodes with GPUs total, used, free, pending") as step:
        status = until(lambda: loaded(scene), "the mirror of the nodes")
        page = scene.alice.page("/c/demo/nodes/")
        gpu_nodes = [node for node in status["nodes"] if node["totalGPU"]]
        claim(all(node["nodeName"] in page for node in gpu_nodes), "a node is missing on the page")
        total, free = status["totalGPUs"], status["availableGPUs"]
        claim((total, free, status["usedGPUs"], status["pendingGPUs"]) == (32, 32, 0, 0), f"GPUs: {status}")
        step.count(f"{len(gpu_nodes)} nodes, {total} GPUs, {free} free")


def loaded(scene: Walk) -> dict[str, Any] | None:
    status: dict[str, Any] = scene.alice.ask("cluster-status?cluster=demo")
    return status if status["loaded"] and status["totalGPUs"] else None


def deploy(scene: Walk, report: Report) -> None:
    with report.step("model, port and GPUs are read from the command before submitting") as step:
        form = Parts(scene.alice.page("/c/demo/deploy/")).values
        wish = {"command": COMMAND, "name": POOL, "replicas": "4", "as_pool": "on", "key": form["key"]}
        shown = scene.alice.post("/c/demo/deploy/preview/", wish).text
        claim(
            all(f">{word}</dd>" in shown for word in (MODEL, "8000", "1")), f"the preview says: {shown[:800]}"
        )
        step.count(f"{MODEL}, port 8000, 1 GPU")
    with report.step("deployed as Model Pool; steps and lines stream; 4 pods Ready, unassigned") as step:
        answer = scene.alice.post("/c/demo/deploy/", wish)
        claim(answer.status_code == 302, f"deploy answered {answer.status_code}: {answer.text[:500]}")
        again = scene.alice.post("/c/demo/deploy/", wish)
        claim(again.headers["location"] == answer.headers["location"], "submitting twice deployed twice")
        page = scene.alice.open(answer.headers["location"])
        operation = scene.operation(int(answer.headers["location"].strip("/").rsplit("/", 1)[1]))
        claim(
            operation["status"] == "succeeded", f"the operation {operation['status']}: {operation['message']}"
        )
        page.heard("Succeeded", since=page.opened, seconds=PATIENCE)
        until(lambda: len(scene.pods("unassigned")) == 4, "four unassigned pods")
        ready = sum(pod["ready"] for pod in scene.alice.ask(f"c/demo/pools/default/{POOL}")["pods"])
        claim(ready == 4, f"{ready} of 4 pods are Ready")
        step.count(f"{operation['lastSeq']} lines, {len(page.frames)} frames")
        page.close()


def businesses(scene: Walk, report: Report) -> None:
    scene.page = scene.bob.open(PLACE)
    with report.step("business services production and testing are created") as step:
        for tag in ("production", "testing"):
            began = time.monotonic()
            answer = scene.alice.post(f"{PLACE}services/", {"name": f"chat-{tag}", "business": tag})
            claim(
                answer.status_code == 302,
                f"creating {tag} answered {answer.status_code}: {answer.text[-800:]}",
            )
            scene.seen_by_viewer(f"chat-{tag}", began)
        step.count(", ".join(item["name"] for item in scene.alice.ask("business-services")))
        scene.page.close()
    scene.page = scene.bob.open(f"{PLACE}pods/")
    with report.step("two pods to production, one to testing; endpoints switched") as step:
        free = scene.pods("unassigned")
        for pod, tag in zip(free, ("production", "production", "testing"), strict=False):
            step.count(f"{tag} {assign(scene, pod, 'unassigned', tag):.1f} s")
        claim(scene.status() == "production(2) | testing(1) | unassigned(1)", f"the pool is {scene.status()}")


def assign(scene: Walk, pod: str, origin: str, business: str) -> float:
    """Move at once by the page's form; seconds until the page says that the endpoints have switched."""
    began = time.monotonic()
    move = {"pod": pod, "origin": origin, "business": business, "how": "now"}
    answer = scene.alice.post(f"{PLACE}move/", move)
    claim(answer.status_code == 302, f"the move answered {answer.status_code}: {answer.text[:800]}")
    scene.seen_by_viewer(f"{pod}(?:(?!<tr).)*{business}", began)
    assert scene.page is not None
    return scene.page.heard(f"{pod}(?:(?!<tr).)*endpoints switched in", since=began, seconds=30)


def answers(scene: Walk, report: Report) -> None:
    with report.step("chat completions are answered by lent pods only") as step:
        for tag in ("production", "testing"):
            lent = set(scene.pods(tag))
            served = pods_of(scene.alice, f"chat-{tag}", MODEL, times=ANSWERS)
            claim(set(served) <= lent, f"{tag} has {lent} and was answered by {served}")
            claim(set(served) == lent, f"not every pod of {tag} answered: {served}")
            step.count(f"{tag} {sum(served.values())} by {len(served)} pods")


def drained_move(scene: Walk, report: Report) -> None:
    with report.step("one pod moves, drained, under load: no request fails, its stream ends whole") as step:
        pod = scene.pods("production")[0]
        with Pressure(scene.alice, "chat-production", MODEL, clients=4) as pressure:
            stream = stream_on(scene.alice, "chat-production", MODEL, pod, tokens=STREAM_TOKENS)
            began = time.monotonic()
            move = {"pod": pod, "origin": "production", "business": "testing", "how": "drained"}
            answer = scene.alice.post(f"{PLACE}move/", move)
            claim(answer.status_code == 302, f"the move answered {answer.status_code}: {answer.text[:800]}")
            scene.seen_by_viewer(f"{pod}(?:(?!<tr).)*draining", began)
            operation = scene.operation(int(answer.headers["location"].strip("/").rsplit("/", 1)[1]))
            claim(
                operation["status"] == "succeeded", f"the move {operation['status']}: {operation['message']}"
            )
            moved = time.monotonic() - began
            stream.join(60)
        claim(stream.whole and stream.tokens == STREAM_TOKENS, f"the stream was cut: {vars(stream)}")
        claim(
            not pressure.failures,
            f"{len(pressure.failures)} of {len(pressure.tries)} failed: {pressure.failures[:3]}",
        )
        claim(len(pressure.tries) >= 50, f"only {len(pressure.tries)} requests were sent")
        claim(stream.pod == pod and stream.seconds > 5, f"the stream took {stream.seconds:.1f} s")
        until(lambda: ask(scene.alice, "chat-testing", MODEL) == pod, f"testing to be served by {pod}")
        step.count(f"{len(pressure.tries)} requests sent, {len(pressure.failures)} failed")
        step.count(
            f"stream of {stream.tokens} tokens in {stream.seconds:.1f} s whole, moved after {moved:.1f} s"
        )


def viewer(scene: Walk, report: Report) -> None:
    with report.step("a viewer sees no controls; a forged POST is refused and audited") as step:
        page = scene.bob.page(f"{PLACE}pods/")
        claim('name="business"' not in page and "<select" not in page, "the viewer's page has controls")
        pod = scene.pods("unassigned")[0]
        forged = scene.bob.post(f"{PLACE}move/", {"pod": pod, "origin": "unassigned", "business": "testing"})
        claim(forged.status_code == 403, f"the forged POST answered {forged.status_code}")
        claim(pod in scene.pods("unassigned"), "the forged POST moved the pod")
        denied = scene.root.page("/audit/?actor=bob&outcome=denied")
        claim(pod in denied, "the refusal is not in the audit")
        step.count("403, one entry")


def audit(scene: Walk, report: Report) -> None:
    with report.step("the audit lists who, what, before and after, outcome and operation") as step:
        page = scene.root.page("/audit/?actor=alice")
        wanted = ("Deploy model", "Create business service", "Assign pod", "Move pod, drained")
        missing = [words for words in wanted if words not in page]
        claim(not missing, f"the audit does not list {missing}")
        entries = re.findall(r'href="(/audit/\d+/)"', page)
        details = [scene.root.page(path) for path in entries]
        claim(
            any("/operations/" in text and "Deploy model" in text for text in details),
            "no link to the operation",
        )
        claim(any("unassigned" in text and "production" in text for text in details), "no before and after")
        step.count(f"{len(entries)} entries of alice")
    with report.step("the pool's split after the move") as step:
        claim(scene.status() == "production(1) | testing(2) | unassigned(1)", f"the pool is {scene.status()}")
        claim(scene.status() in scene.bob.page(PLACE), "the page says otherwise")
        step.count(scene.status())


def killed_worker(scene: Walk, report: Report) -> None:
    with report.step("the whole worker is killed in an operation; another ends it truthfully") as step:
        body = {"command": COMMAND, "name": "second", "replicas": 2}
        started = scene.alice.api("POST", "c/demo/deployments", body).json()
        pk = started["operation"]
        until(lambda: scene.alice.ask(f"operations/{pk}")["lastSeq"], "its first line", every=0.01)
        before = scene.alice.ask(f"operations/{pk}/lines?limit=5000")["lines"]
        state = scene.alice.ask(f"operations/{pk}")["status"]
        worker = scene.stack.programs["quick"]
        worker.kill()
        killed = time.monotonic()
        scene.stack.add("quick", worker.command)
        operation = scene.operation(pk, seconds=60)
        claim(operation["status"] == "succeeded", f"it {operation['status']}: {operation['message']}")
        lines = scene.alice.ask(f"operations/{pk}/lines?limit=5000")["lines"]
        claim(lines[: len(before)] == before, "lines written before the kill have changed")
        claim([line["seq"] for line in lines] == list(range(1, len(lines) + 1)), "a line is lost or doubled")
        ready = next(row for row in scene.alice.ask("deployments") if row["deploymentName"] == "second")
        claim(
            ready["readyReplicas"] == 2,
            f"it says succeeded, and {ready['readyReplicas']} of 2 pods are ready",
        )
        step.count(f"killed while {state}, ended {time.monotonic() - killed:.0f} s later, {len(lines)} lines")


def from_outside(scene: Walk, report: Report) -> None:
    with report.step("a label changed by somebody else is seen, and is in the history as external") as step:
        pod = scene.pods("unassigned")[0]
        began = time.monotonic()
        how = label(scene.stack, pod, "testing")
        delay = scene.seen_by_viewer(f"{pod}(?:(?!<tr).)*testing", began)
        row = until(lambda: external(scene, pod), "the history's external row")
        claim(row["business"] == "testing" and row["previous"] == "unassigned", f"the history says {row}")
        step.count(f"{how}, on the page after {delay * 1000:.0f} ms, by {row['by']}")


def external(scene: Walk, pod: str) -> dict[str, Any] | None:
    rows = scene.alice.ask(f"c/demo/pools/default/{POOL}/history")
    return next(
        (row for row in rows if row["pod"] == pod and row["source"] == "external" and not row["to"]), None
    )


def label(stack: Stack, pod: str, business: str) -> str:
    """Change the label with the admin's own tools: kubectl, or a plain PATCH where there is none."""
    kubeconfig = stack.cluster_folder / "kubeconfig"
    kubectl = shutil.which("kubectl")
    if kubectl:
        command = [kubectl, f"--kubeconfig={kubeconfig}", f"--cache-dir={stack.folder / 'kubectl'}"]
        subprocess.run(
            [*command, "label", "pod", pod, f"business={business}", "--overwrite"],
            check=True,
            capture_output=True,
        )
        return "kubectl label"
    patch = {"metadata": {"labels": {"business": business}}}
    Kubernetes(from_kubeconfig(kubeconfig.read_text())).patch_merge("pods", pod, patch, namespace="default")
    return "no kubectl on PATH; a merge patch"
