"""Prometheus text of vLLM and SGLang, computed from the engine's real queue and counters."""

from __future__ import annotations

from dataclasses import dataclass, field

BUCKETS = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0)


@dataclass
class Histogram:
    """Counts per upper bound, as Prometheus wants them: cumulative."""

    counts: list[int] = field(default_factory=lambda: [0] * len(BUCKETS))
    total: int = 0
    seconds: float = 0.0

    def observe(self, value: float) -> None:
        self.total += 1
        self.seconds += value
        for index, bound in enumerate(BUCKETS):
            if value <= bound:
                self.counts[index] += 1

    def lines(self, name: str, labels: str) -> list[str]:
        rows = [
            f'{name}_bucket{{{labels},le="{bound}"}} {float(count)}'
            for bound, count in zip(BUCKETS, self.counts, strict=True)
        ]
        rows.append(f'{name}_bucket{{{labels},le="+Inf"}} {float(self.total)}')
        return [
            *rows,
            f"{name}_sum{{{labels}}} {self.seconds}",
            f"{name}_count{{{labels}}} {float(self.total)}",
        ]


@dataclass
class Counters:
    """What an engine has done since it started."""

    prompt_tokens: int = 0
    generated_tokens: int = 0
    finished: dict[str, int] = field(default_factory=dict)
    first_token: Histogram = field(default_factory=Histogram)
    latency: Histogram = field(default_factory=Histogram)

    def finish(self, reason: str, seconds: float) -> None:
        self.finished[reason] = self.finished.get(reason, 0) + 1
        self.latency.observe(seconds)


@dataclass(frozen=True)
class Reading:
    """The moment's numbers; `cache` is the share of the KV cache in use, 0 to 1."""

    model: str
    running: int
    waiting: int
    cache: float
    throughput: float
    slots: int


def vllm(reading: Reading, counters: Counters) -> str:
    labels = f'engine="0",model_name="{reading.model}"'
    lines: list[str] = []
    _gauge(
        lines,
        "vllm:num_requests_running",
        "Number of requests in model execution batches.",
        labels,
        reading.running,
    )
    _gauge(
        lines,
        "vllm:num_requests_waiting",
        "Number of requests waiting to be processed.",
        labels,
        reading.waiting,
    )
    _gauge(
        lines,
        "vllm:gpu_cache_usage_perc",
        "GPU KV-cache usage. 1 means 100 percent usage.",
        labels,
        reading.cache,
    )
    _gauge(
        lines, "vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", labels, reading.cache
    )
    _counter(
        lines,
        "vllm:prompt_tokens_total",
        "Number of prefill tokens processed.",
        labels,
        counters.prompt_tokens,
    )
    _counter(
        lines,
        "vllm:generation_tokens_total",
        "Number of generation tokens processed.",
        labels,
        counters.generated_tokens,
    )
    _head(lines, "vllm:request_success_total", "Count of successfully processed requests.", "counter")
    lines += [
        f'vllm:request_success_total{{{labels},finished_reason="{reason}"}} {float(count)}'
        for reason, count in sorted(counters.finished.items())
    ]
    _head(
        lines, "vllm:time_to_first_token_seconds", "Histogram of time to first token in seconds.", "histogram"
    )
    lines += counters.first_token.lines("vllm:time_to_first_token_seconds", labels)
    _head(
        lines, "vllm:e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", "histogram"
    )
    lines += counters.latency.lines("vllm:e2e_request_latency_seconds", labels)
    return "\n".join(lines) + "\n"


def sglang(reading: Reading, counters: Counters) -> str:
    labels = f'engine_type="unified",model_name="{reading.model}"'
    lines: list[str] = []
    _gauge(lines, "sglang:num_running_reqs", "The number of running requests.", labels, reading.running)
    _gauge(
        lines,
        "sglang:num_queue_reqs",
        "The number of requests in the waiting queue.",
        labels,
        reading.waiting,
    )
    _gauge(lines, "sglang:token_usage", "The token usage.", labels, reading.cache)
    _gauge(lines, "sglang:gen_throughput", "The generation throughput (token/s).", labels, reading.throughput)
    _gauge(
        lines,
        "sglang:max_total_num_tokens",
        "Maximum total number of tokens in the KV cache pool.",
        labels,
        reading.slots * 4096,
    )
    _counter(
        lines,
        "sglang:prompt_tokens_total",
        "Number of prefill tokens processed.",
        labels,
        counters.prompt_tokens,
    )
    _counter(
        lines,
        "sglang:generation_tokens_total",
        "Number of generation tokens processed.",
        labels,
        counters.generated_tokens,
    )
    _counter(
        lines,
        "sglang:num_requests_total",
        "Number of requests processed.",
        labels,
        sum(counters.finished.values()),
    )
    _head(
        lines,
        "sglang:time_to_first_token_seconds",
        "Histogram of time to first token in seconds.",
        "histogram",
    )
    lines += counters.first_token.lines("sglang:time_to_first_token_seconds", labels)
    _head(
        lines,
        "sglang:e2e_request_latency_seconds",
        "Histogram of End-to-end request latency in seconds",
        "histogram",
    )
    lines += counters.latency.lines("sglang:e2e_request_latency_seconds", labels)
    return "\n".join(lines) + "\n"


def _head(lines: list[str], name: str, text: str, kind: str) -> None:
    lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def _gauge(lines: list[str], name: str, text: str, labels: str, value: float) -> None:
    _head(lines, name, text, "gauge")
    lines.append(f"{name}{{{labels}}} {float(value)}")


def _counter(lines: list[str], name: str, text: str, labels: str, value: float) -> None:
    _head(lines, name, text, "counter")
    lines.append(f"{name}{{{labels}}} {float(value)}")
