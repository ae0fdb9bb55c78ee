"""How much a pod's engine has in hand, read from its own metrics."""

from dataclasses import dataclass

from apps.gateways.errors import GatewayError
from apps.gateways.kubernetes import Kubernetes
from apps.pools.live_view import PodFacts

RUNNING = ("vllm:num_requests_running", "sglang:num_running_reqs")
WAITING = ("vllm:num_requests_waiting", "sglang:num_queue_reqs")
MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Load:
    """Requests in a pod. `known` is false when the engine tells nothing of them (Ollama, custom images)."""

    known: bool
    running: int = 0
    waiting: int = 0

    @property
    def idle(self) -> bool:
        """Nothing runs and nothing waits, as far as the engine says."""
        return self.known and not self.running and not self.waiting


def load_of(kubernetes: Kubernetes, pod: PodFacts, *, timeout: float = 5) -> Load:
    """Ask the pod. Raises GatewayError when it does not answer."""
    return read_load(metrics_of(kubernetes, pod, timeout=timeout)) if pod.port else Load(known=False)


def metrics_of(kubernetes: Kubernetes, pod: PodFacts, *, timeout: float) -> str:
    """The text at the pod's /metrics, empty when it has none. Raises GatewayError when it does not answer."""
    with kubernetes.proxy(
        "pods",
        pod.name,
        pod.port,
        "metrics",
        namespace=pod.namespace,
        timeout=timeout,
        first_byte=timeout,
        max_bytes=MAX_BYTES,
    ) as answer:
        return answer.read().decode(errors="replace") if answer.status == 200 else ""


def read_load(text: str) -> Load:
    """Prometheus text -> requests, summed over label sets; unknown without a metric of running requests."""
    running, waiting, known = 0.0, 0.0, False
    for line in text.splitlines():
        name, value = sample(line)
        if name in RUNNING:
            known, running = True, running + certain(value)
        elif name in WAITING:
            waiting += certain(value)
    return Load(known=known, running=round(running), waiting=round(waiting)) if known else Load(known=False)


def sample(line: str) -> tuple[str, float | None]:
    """A line's metric and its value; None when it cannot be read, an empty name for comments."""
    name = line.split("{", 1)[0].split(" ", 1)[0].lstrip("#")
    try:
        return name, float(line.rsplit("}", 1)[-1].split()[0 if "}" in line else 1])
    except (ValueError, IndexError):
        return name, None


def certain(value: float | None) -> float:
    """A count of requests; what cannot be read counts as one, so that no drain ends on nonsense."""
    return value if value is not None and value >= 0 else 1.0


def busy(kubernetes: Kubernetes, pod: PodFacts) -> bool:
    """Whether the pod has requests running or waiting; no when it does not say or does not answer."""
    try:
        load = load_of(kubernetes, pod, timeout=2)
    except GatewayError:
        return False
    return load.known and not load.idle
