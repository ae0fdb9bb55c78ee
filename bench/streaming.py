"""What the portal costs a caller of a served model: streams through it, and past it through the same service
proxy of the API server, turn by turn in one run.

Fails when a stream of any turn breaks, and when tokens come slower than 85 % of the direct way's speed. A
hundred at once are to come whole, however fast: there, all begin in one moment on a machine that calls, asks
and answers at the same time.
"""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from apps.gateways import manifests
from apps.gateways.connection import from_kubeconfig
from apps.gateways.kubernetes import Kubernetes
from bench import far_side
from bench.ground import ground, pid_of, start_web
from bench.processes import cpu_seconds
from bench.table import Table, median
from hyperpod_site.stack.stack import HOST, Stack

NAME, PORT, MODEL = "bench-model", 8000, "Qwen/Qwen3-0.6B"
PODS = 4
SPEED = 25
TOKENS = 100
GATE = 0.85
GATED = (1, 10)
TURNS = {1: 8, 10: 3, 100: 2}
BODY = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "Tell me something long."}],
    "stream": True,
    "max_tokens": TOKENS,
    "ignore_eos": True,
}
HEADERS = (
    "streams at once",
    "turns",
    "way",
    "without an error",
    "first token p50 ms",
    "more than direct, ms",
    "goal",
    "tokens/s of a stream, p50",
    "of direct",
    "gate",
    "cores",
)
NOTE = (
    f"A model that says {SPEED} tokens a second to each of at most 128 callers. Both ways use the same "
    "client on connections that stand; direct speaks to the API server's service proxy with the portal's own "
    "account. "
    "Cores: of the web process. Cluster, web and callers share the machine's cores."
)


@dataclass
class Callers:
    """The process that calls (stream_clients.py)."""

    child: subprocess.Popen[str]

    def turn(self, route: str, streams: int) -> list[dict[str, Any]]:
        """So many streams at once; what came of each."""
        assert self.child.stdin is not None and self.child.stdout is not None
        self.child.stdin.write(json.dumps({"route": route, "streams": streams}) + "\n")
        self.child.stdin.flush()
        answers: list[dict[str, Any]] = json.loads(self.child.stdout.readline())
        return answers

    def end(self) -> None:
        """Send them home."""
        assert self.child.stdin is not None
        self.child.stdin.close()
        self.child.wait(10)


def callers(routes: dict[str, dict[str, Any]]) -> Callers:
    """A new process of callers that knows these ways."""
    command = [sys.executable, "-m", "bench.stream_clients"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    child.stdin.write(json.dumps({"body": json.dumps(BODY), "routes": routes}) + "\n")
    return Callers(child)


def serve_model(client: Kubernetes) -> None:
    """A model with its Service, and wait until all its pods serve. TimeoutError after a minute."""
    common: dict[str, Any] = {"name": NAME, "namespace": "default", "model_type": "vllm", "port": PORT}
    deployment = manifests.render(
        "model_deployment",
        **common,
        model_id=MODEL,
        image="vllm/vllm-openai:latest",
        command=["vllm", "serve", MODEL, "--max-num-seqs", "128"],
        replicas=PODS,
        environment={"DEVCLUSTER_TOKENS_PER_SECOND": str(SPEED), "DEVCLUSTER_FIRST_TOKEN_SECONDS": "0.05"},
        min_ready_seconds=0,
    )
    for manifest in [*deployment, *manifests.render("model_service", **common, deployment=NAME)]:
        client.create(manifest)
    await_that(lambda: serving(client) == PODS)


def serving(client: Kubernetes) -> int:
    """How many addresses the model's Service leads to."""
    slices = client.list(
        "endpointslices", namespace="default", label_selector=f"kubernetes.io/service-name={NAME}"
    )
    return sum(bool(one["conditions"].get("ready")) for item in slices for one in item.get("endpoints") or [])


def await_that(look: Any, seconds: float = 60) -> None:
    """Until `look()` says so. TimeoutError after `seconds`."""
    end = time.monotonic() + seconds
    while not look():
        if time.monotonic() > end:
            raise TimeoutError("the model is not served")
        time.sleep(0.1)


def await_mirrored(cluster_id: int) -> None:
    """Until the portal knows the model's Service."""
    from apps.live import mirror

    await_that(lambda: mirror.objects(cluster_id, "services").filter(name=NAME).exists())


def routes(stack: Stack) -> dict[str, dict[str, Any]]:
    """The two ways to the model."""
    return {"direct": direct(stack), "portal": through_portal(stack)}


def direct(stack: Stack) -> dict[str, Any]:
    """The API server's service proxy."""
    account = from_kubeconfig(stack.kubeconfig.read_text())
    address = urlsplit(account.server)
    path = f"/api/v1/namespaces/default/services/{NAME}:{PORT}/proxy/v1/chat/completions"
    headers = {"Host": address.netloc, "Authorization": f"Bearer {account.token}"}
    place = {"host": address.hostname, "port": address.port, "path": path}
    return {**place, "headers": headers, "ca": account.ca_data}


def through_portal(stack: Stack) -> dict[str, Any]:
    """The portal's API, by a person's token."""
    path = f"/api/c/{far_side.SLUG}/services/default/{NAME}/proxy/v1/chat/completions"
    headers = {"Host": f"localhost:{stack.port}", "Authorization": f"Bearer {operator_token()}"}
    return {"host": HOST, "port": stack.port, "path": path, "headers": headers, "ca": ""}


def operator_token() -> str:
    """A token of a new person who may call models."""
    from django.utils import timezone

    from apps.accounts.models import ApiToken, Grant, Role, User

    user = User.objects.create_user("bench-caller")
    Grant.objects.create(user=user, role=Role.OPERATOR)
    return ApiToken.issue(user=user, name="bench", expires_at=timezone.now() + timedelta(days=1))[1]


def measure(people: Callers, web: int, streams: int, table: Table) -> bool:
    """One pair of lines. Whether it passes the gate, without an error."""
    found: dict[str, list[dict[str, Any]]] = {"direct": [], "portal": []}
    cores = dict.fromkeys(found, 0.0)
    for _turn in range(TURNS[streams]):
        for way, answers in found.items():
            before, begun = cpu_seconds(web), time.monotonic()
            answers += people.turn(way, streams)
            cores[way] += (cpu_seconds(web) - before) / (time.monotonic() - begun) / TURNS[streams]
    return tell(found, cores, streams, table)


def tell(found: dict[str, list[dict[str, Any]]], cores: dict[str, float], streams: int, table: Table) -> bool:
    """Write the lines. Whether all is well."""
    good = {way: [one for one in answers if not one["error"]] for way, answers in found.items()}
    first = {way: median([one["first"] for one in ones]) for way, ones in good.items()}
    rate = {way: median([one["rate"] for one in ones]) for way, ones in good.items()}
    ratio = rate["portal"] / rate["direct"] if rate["direct"] else 0.0
    for way, answers in found.items():
        whole = f"{len(good[way])} of {len(answers)}"
        gate = f"{GATE:.2f}" if streams in GATED else ""
        more = (f"{first[way] - first['direct']:+.1f}", "+20", rate[way], f"{ratio:.2f}", gate)
        cells = more if way == "portal" else ("", "", rate[way], "", "")
        table.add(streams, TURNS[streams], way, whole, first[way], *cells, f"{cores[way]:.2f}")
    for wrong in {one["error"] for answers in found.values() for one in answers if one["error"]}:
        print(f"a stream of {streams} broke: {wrong}", file=sys.stderr)
    fast = ratio >= GATE or streams not in GATED
    return fast and all(len(good[way]) == len(found[way]) for way in found)


def main() -> int:
    """Print the table; 1 when a gate is missed."""
    table = Table("Streaming a model's answer through the portal", HEADERS, note=NOTE)
    with ground("--nodes", "4", "--lag", "0", "--startup", "0.1", "--quiet") as stack:
        cluster_id, client = far_side.register(stack), far_side.administrator(stack)
        serve_model(client)
        start_web(stack)
        stack.add("watcher", stack.portal_commands()["watcher"])
        await_mirrored(cluster_id)
        people = callers(routes(stack))
        people.turn("portal", 1), people.turn("direct", 1)  # connections are made, modules loaded
        well = [measure(people, pid_of(stack, "web"), streams, table) for streams in TURNS]
        people.end()
    print(table.markdown())
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main())
