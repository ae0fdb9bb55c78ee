"""What an engine tells of itself at `/metrics`: Prometheus text in the words of vLLM or of SGLang.

Names: https://docs.vllm.ai/en/latest/usage/metrics.html and
https://docs.sglang.ai/references/production_metrics.html; vLLM before 0.10 says `gpu_cache_usage_perc`.
"""

from collections import defaultdict
from collections.abc import Mapping

import msgspec

from apps.pools.engine import RUNNING, WAITING, sample

CACHE = ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc", "sglang:token_usage")
TOKENS = ("vllm:generation_tokens_total", "sglang:generation_tokens_total")
FIRST_SUM = ("vllm:time_to_first_token_seconds_sum", "sglang:time_to_first_token_seconds_sum")
FIRST_COUNT = ("vllm:time_to_first_token_seconds_count", "sglang:time_to_first_token_seconds_count")
WANTED = frozenset((*RUNNING, *WAITING, *CACHE, *TOKENS, *FIRST_SUM, *FIRST_COUNT))


class Reading(msgspec.Struct, frozen=True, array_like=True):
    """An engine at one moment: requests now, generated tokens and first tokens since it started.

    `cache` is the used share of the KV cache, 0 to 1, None when it is not told; `first_seconds` the summed
    time until `firsts` answers began.
    """

    running: int
    waiting: int
    cache: float | None
    tokens: float
    first_seconds: float
    firsts: float


def read(text: str) -> Reading | None:
    """Prometheus text -> a reading; None when it does not say how many requests run (other engines)."""
    found = sums(text)
    if not any(name in found for name in RUNNING):
        return None
    return Reading(
        running=round(total(found, RUNNING)),
        waiting=round(total(found, WAITING)),
        cache=next((min(1.0, found[name]) for name in CACHE if name in found), None),
        tokens=total(found, TOKENS),
        first_seconds=total(found, FIRST_SUM),
        firsts=total(found, FIRST_COUNT),
    )


def sums(text: str) -> Mapping[str, float]:
    """Metric -> its value summed over label sets. Lines that cannot be read, and negative or infinite values,
    are passed over: a plot may miss what a drain must not.
    """
    found: defaultdict[str, float] = defaultdict(float)
    for line in text.splitlines():
        name, value = sample(line)
        if name in WANTED and value is not None and 0 <= value < float("inf"):
            found[name] += value
    return found


def total(found: Mapping[str, float], names: tuple[str, ...]) -> float:
    """The first of the names that is told; 0 when none is."""
    return next((found[name] for name in names if name in found), 0.0)
