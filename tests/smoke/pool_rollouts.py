"""Rollouts of the pools scenario: ours and kubectl's; each business keeps its pods, and nobody notices."""

import shutil
import subprocess
from datetime import UTC, datetime
from functools import partial

from apps.gateways import labels
from tests.smoke.pool_scene import API, POOL, SHARED, Scene
from tests.smoke.report import claim, until

COMMAND = "vllm serve Qwen/Qwen3-0.6B --max-model-len 8192"
SETTLE = 5
"""Seconds that a pod must stay Ready until its controller counts it; in earnest it is a minute."""


def ours(scene: Scene) -> None:
    """Another command, by the portal."""
    with scene.step("rolled out by the portal; each pod has a successor") as happening:
        wish = {"command": COMMAND, "settle": SETTLE}
        plan = scene.alice.api("POST", f"{API}/rollout", {**wish, "dry_run": True}).json()
        before = scene.live()
        claim({item["pod"] for item in plan["steps"]} == before, f"the plan is {plan['steps']}")
        scene.do("POST", f"{API}/rollout", {**wish, "plan": plan["plan"]})
        replaced(scene, before)
        happening.step.count(f"{len(before)} pods replaced, {plan['room']}")


def kubectls(scene: Scene) -> None:
    """A restart, by somebody with kubectl; the portal hands over all the same."""
    with scene.step("rolled out with kubectl; each pod has a successor") as happening:
        before = scene.live()
        happening.step.count(restart(scene))
        replaced(scene, before)


def restart(scene: Scene) -> str:
    """With kubectl; where there is none, by the patch that it sends."""
    kubectl = shutil.which("kubectl")
    if kubectl:
        asked = [kubectl, f"--kubeconfig={scene.kubeconfig}", f"--cache-dir={scene.stack.folder / 'kubectl'}"]
        asked += ["rollout", "restart", f"deployment/{POOL}"]
        subprocess.run(asked, check=True, capture_output=True)
        return "kubectl rollout restart"
    stamp = datetime.now(UTC).isoformat(timespec="seconds")
    body = {"spec": {"template": {"metadata": {"annotations": {labels.RESTARTED_AT: stamp}}}}}
    path = f"/apis/apps/v1/namespaces/default/deployments/{POOL}"
    kind = "application/strategic-merge-patch+json"
    query = (("fieldManager", "kubectl-rollout"),)
    scene.outside.transport.request("PATCH", path, query=query, body=body, content_type=kind)
    return "no kubectl on PATH; its patch"


def replaced(scene: Scene, before: frozenset[str]) -> None:
    """Wait until no earlier pod is left and each business has as many new ones, in their places."""
    until(partial(over, scene, before), "the end of the rollout", seconds=240, every=0.3)
    new = {tag: scene.pods(tag) for tag in SHARED}
    claim({tag: len(names) for tag, names in new.items()} == SHARED, f"the split is {new}")
    rows = scene.alice.ask(f"{API}/history?source=reconciler")
    for tag, names in new.items():
        why = {row["pod"]: row["reason"] for row in rows if row["business"] == tag}
        nameless = [pod for pod in names if not any(old in why.get(pod, "") for old in before)]
        claim(not nameless, f"{tag}: whose successors are {nameless}? {why}")


def over(scene: Scene, before: frozenset[str]) -> bool:
    """Whether the rollout has ended and none of the pods is left."""
    under_way = scene.alice.ask(f"{API}/rollout")["progress"]
    return under_way is None and not scene.everyone() & before and scene.split() == SHARED
