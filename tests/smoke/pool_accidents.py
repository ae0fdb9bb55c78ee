"""Accidents of the pools scenario: a production pod is lost, another takes over, the lost one returns."""

import time
from collections.abc import Callable, Mapping
from functools import partial

from apps.gateways import labels
from tests.smoke.accident import Accident
from tests.smoke.pool_scene import API, POOL, SHARED, Scene
from tests.smoke.report import until

LAG = 1.0
"""Seconds that a proxy may be behind the endpoints: the development cluster's --lag, and a busy machine."""
HEALED = 90.0
QUIET = 60.0
Lost = Mapping[str, frozenset[str]]


def accidents(scene: Scene) -> None:
    """One after the other; after each, every share is kept again and a spare is there."""
    kinds: dict[str, Callable[[Scene, str], tuple[Lost, str]]] = {
        "killed": kill,
        "evicted": evict,
        "on a lost node": lose_node,
        "hung": hang,
    }
    for word, happen in kinds.items():
        with scene.step(f"a lent pod is {word}; another takes over") as happening:
            pod, before, at = scene.pods("production")[0], scene.listed(), time.monotonic()
            lost, mishap = happen(scene, pod)
            until(partial(unlisted, scene, lost), "the endpoints without the lost pods", seconds=HEALED)
            if word != "evicted":  # that is a deletion in good order: the pod goes on until all proxies know
                had = {tag: len(names) for tag, names in before.items()}
                happening.accident = Accident(lost, had, at, time.monotonic() + LAG)
            until(partial(healed, scene, lost), f"the shares without {pod}", seconds=HEALED)
            scene.heals[word] = time.monotonic() - at
            happening.step.count(f"{told(lost)} lost; healed in {scene.heals[word]:.1f} s")
        with scene.step("every share is kept with a spare, whatever came back"):
            if mishap:
                scene.mend(mishap)
            until(partial(quiet, scene), "every share kept, and a spare", seconds=QUIET, every=0.5)


def kill(scene: Scene, pod: str) -> tuple[Lost, str]:
    """Deleted without any grace."""
    scene.outside.delete("pods", pod, namespace="default", grace=0)
    return {"production": frozenset([pod])}, ""


def evict(scene: Scene, pod: str) -> tuple[Lost, str]:
    """As `kubectl drain` does it."""
    path = f"/api/v1/namespaces/default/pods/{pod}/eviction"
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    scene.outside.transport.request("POST", path, body=body)
    return {"production": frozenset([pod])}, ""


def lose_node(scene: Scene, pod: str) -> tuple[Lost, str]:
    """Power off, with everything that is on it."""
    node = scene.outside.get("pods", pod, namespace="default")["spec"]["nodeName"]
    selector = labels.selector({labels.MODEL: POOL})
    lost: dict[str, frozenset[str]] = {}
    for item in scene.outside.list("pods", namespace="default", label_selector=selector):
        if item["spec"].get("nodeName") == node:
            tag = item["metadata"]["labels"][labels.BUSINESS]
            lost[tag] = lost.get(tag, frozenset()) | {item["metadata"]["name"]}
    return lost, scene.mishap({"kind": "lose_node", "name": node})


def hang(scene: Scene, pod: str) -> tuple[Lost, str]:
    """Its server takes requests and answers none, so it is not Ready before long."""
    mishap = scene.mishap({"kind": "stall", "namespace": "default", "name": pod})
    return {"production": frozenset([pod])}, mishap


def unlisted(scene: Scene, lost: Lost) -> bool:
    """Whether no endpoints list a lost pod."""
    gone = frozenset[str]().union(*lost.values())
    return not any(names & gone for names in scene.listed().values())


def healed(scene: Scene, lost: Lost) -> bool:
    """Whether the endpoints of each business list as many pods as it has a share of, and no lost one."""
    whole = all(len(names) >= SHARED[tag] for tag, names in scene.listed().items())
    return whole and unlisted(scene, lost)


def told(lost: Lost) -> str:
    """ "production 1, unassigned 1"."""
    return ", ".join(f"{tag} {len(names)}" for tag, names in sorted(lost.items()))


def quiet(scene: Scene) -> bool:
    """Whether all shares are kept and a spare is there; pods kept aside for inspection may be lent again."""
    for item in scene.alice.ask(f"{API}/shares")["aside"]:
        scene.alice.api("POST", f"{API}/shares/clear-aside", {"pod": item["pod"]})
    return scene.split() == SHARED and bool(scene.pods("unassigned")) and len(scene.live()) == 8
