"""A pool under traffic: shared out, moved, scaled, hit by accidents, rolled out, taken back."""

import contextlib
from functools import partial

from hyperpod_site.stack.stack import Stack
from tests.smoke.met import judge, table
from tests.smoke.people import Parts
from tests.smoke.pool_accidents import accidents
from tests.smoke.pool_rollouts import SETTLE, kubectls, ours
from tests.smoke.pool_scene import API, POOL, SHARED, Scene
from tests.smoke.report import Report, claim, until

# Nodes so small that a lost one takes no more pods than are spare.
DEVCLUSTER = ("--nodes", "6", "--gpus-per-node", "2", "--lag", "0.5", "--startup", "1", "--node-grace", "5")
COMMAND = "vllm serve Qwen/Qwen3-0.6B --max-model-len 4096"
OTHERWISE = {"production": 1, "testing": 2, "staging": 3}


def walk(stack: Stack, report: Report) -> None:
    """Every step in order. Raises Untrue at the first that is not so."""
    scene = Scene(stack, report)
    prepare(scene)
    with contextlib.ExitStack() as clients:
        scene.send(clients)
        shared_out(scene)
        drained(scene)
        scaled(scene, 10, 6, 8)
        shares(scene)
        accidents(scene)
        scaled(scene, 6)
        ours(scene)
        kubectls(scene)
        taken_back(scene)
    summary(scene)


def prepare(scene: Scene) -> None:
    with scene.report.step("a pool of eight pods and three businesses with one pod each") as step:
        form = Parts(scene.alice.page("/c/demo/deploy/")).values
        wish = {"command": COMMAND, "name": POOL, "replicas": "8", "as_pool": "on", "key": form["key"]}
        answer = scene.alice.post("/c/demo/deploy/", wish)
        claim(answer.status_code == 302, f"deploy answered {answer.status_code}: {answer.text[:500]}")
        scene.succeeded(int(answer.headers["location"].strip("/").rsplit("/", 1)[1]), "the deployment", 240)
        until(lambda: len(scene.pods("unassigned")) == 8, "eight free pods", seconds=120)
        quick = {"spec": {"minReadySeconds": SETTLE}}
        scene.outside.patch_merge("deployments", POOL, quick, namespace="default")
        for tag in SHARED:
            made = scene.alice.api("POST", f"{API}/services", {"name": f"{POOL}-{tag}", "business": tag})
            claim(made.status_code == 201, f"{tag}: {made.status_code} {made.text[:300]}")
            pod = scene.pods("unassigned")[0]
            scene.alice.api("POST", f"{API}/pods/{pod}/business", {"business": tag})
        until(lambda: scene.split() == dict.fromkeys(SHARED, 1), "one pod each")
        step.count(scene.alice.ask(f"pool-status/{POOL}")["status"])


def shared_out(scene: Scene) -> None:
    with scene.step("shared out 3:2:1 with two pods kept free"):
        scene.do("POST", f"{API}/distribute", {"ratios": {**SHARED, "unassigned": 2}})
        until(lambda: scene.split() == SHARED, "the new split")


def drained(scene: Scene) -> None:
    with scene.step("a pod moved, drained"):
        pod = scene.pods("production")[0]
        scene.do("POST", f"{API}/pods/{pod}/business", {"business": "testing", "drain": True})
        until(lambda: pod in scene.pods("testing"), "the pod at testing")
    with scene.step("the move taken back"):
        undo(scene)


def undo(scene: Scene) -> None:
    """Take the newest change of hands back, and with it all of its batch."""
    change = next(row["change"] for row in scene.alice.ask(f"{API}/history") if row["change"])
    scene.do("POST", f"{API}/undo", {"change": change})
    until(lambda: scene.split() == SHARED, "the split as before")


def scaled(scene: Scene, *sizes: int) -> None:
    """To one size after the other; scaling down takes no lent pod."""
    for size in sizes:
        was = len(scene.live())
        with scene.step(f"scaled from {was} to {size}; only free pods go"):
            lent = {pod for tag in SHARED for pod in scene.pods(tag)}
            scene.do("POST", "scale-pool-deployment", {"deploymentName": POOL, "targetReplicas": size})
            until(partial(has_live, scene, size), f"{size} pods", seconds=90)
            lost = len(lent - {pod for tag in SHARED for pod in scene.pods(tag)})
            scene.scale_downs += size < was
            scene.lost += lost
            claim(not lost, f"{lost} lent pods were lost")


def has_live(scene: Scene, size: int) -> bool:
    return len(scene.live()) == size


def shares(scene: Scene) -> None:
    with scene.step("shares are kept from now on"):
        wishes = [{"business": tag, "count": count, "floor": 1} for tag, count in SHARED.items()]
        answer = scene.alice.api("PUT", f"{API}/shares", {"shares": wishes, "patience": 5, "dwell": 5})
        claim(answer.status_code == 200, f"shares answered {answer.status_code}: {answer.text[:300]}")
        scene.alice.api("POST", f"{API}/shares/switch", {"enabled": True})


def taken_back(scene: Scene) -> None:
    with scene.step("shares off; shared out 1:2:3"):
        scene.alice.api("POST", f"{API}/shares/switch", {"enabled": False})
        scene.do("POST", f"{API}/distribute", {"ratios": OTHERWISE})
        until(lambda: scene.split() == OTHERWISE, "the new split")
    with scene.step("all of that taken back"):
        undo(scene)


def summary(scene: Scene) -> None:
    """Per business what its clients met; what scaling down took; how long each loss took to heal."""
    with scene.report.step("what the clients met in all; what failed was on a lost pod") as step:
        judge(scene.book.page())
        for line in table(scene.book.total()):
            step.tell(line)
        step.tell(f"{scene.lost} lent pods lost to {scene.scale_downs} scale-downs")
        for word, spent in scene.heals.items():
            step.tell(f"{word}: healed in {spent:.1f} s")
