"""Requests in hand, read from what engines print; and the split of a pool in one line."""

import pytest

from apps.pools.engine import Load, read_load
from apps.pools.status import status_of

VLLM = """# HELP vllm:num_requests_running Number of requests
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="Qwen/Qwen3-0.6B"} 2.0
vllm:num_requests_running{engine="1",model_name="Qwen/Qwen3-0.6B"} 1.0
vllm:num_requests_waiting{engine="0",model_name="a } b"} 3.0
vllm:num_requests_running_total{engine="0"} 99.0
"""
SGLANG = 'sglang:num_running_reqs{model_name="m"} 1\nsglang:num_queue_reqs 2.0 1700000000\n'


@pytest.mark.parametrize(
    ("text", "load"),
    [
        (VLLM, Load(known=True, running=3, waiting=3)),
        (SGLANG, Load(known=True, running=1, waiting=2)),
        ("vllm:num_requests_running 0\n", Load(known=True)),
        ("", Load(known=False)),
        ("<html>not metrics</html>", Load(known=False)),
        ("vllm:num_requests_waiting 3\n", Load(known=False)),
        ("vllm:num_requests_running{} nonsense\n", Load(known=True, running=1)),
        ("vllm:num_requests_running\n", Load(known=True, running=1)),
        ("vllm:num_requests_running -1\n", Load(known=True, running=1)),
        ("vllm:num_requests_running NaN\n", Load(known=True, running=1)),
    ],
)
def test_requests_are_read_from_the_metrics(text: str, load: Load) -> None:
    assert read_load(text) == load


def test_an_engine_that_tells_nothing_is_never_called_idle() -> None:
    assert not read_load("").idle and read_load("sglang:num_running_reqs 0").idle


def test_the_split_names_businesses_in_order_and_free_pods_last() -> None:
    status = status_of(["testing", "production", "unassigned", "production"], ["production", "testing"])
    assert status.line == "production(2) | testing(1) | unassigned(1)"
    assert (status.total, status.free) == (4, 1)


def test_a_business_without_pods_and_a_draining_pod_are_shown() -> None:
    status = status_of(["draining", "forgotten"], ["production"])
    assert status.line == "forgotten(1) | production(0) | draining(1) | unassigned(0)"
