"""How busy pods are: read from what engines print, asked once per pod, kept for minutes, drawn as a line."""

import dataclasses
import time
from collections.abc import Callable

import orjson
import pytest
from django.test import Client
from django.urls import reverse
from structlog.testing import capture_logs

from apps.accounts.models import User
from apps.gateways.kubernetes import Kubernetes
from apps.pools.load import polling, ring
from apps.pools.load.metrics import Reading, read
from apps.pools.load.plots import plot_of, plot_together
from apps.pools.load.ring import PodLoad, Sample
from tests.pools.world import World

VLLM = """vllm:num_requests_running{engine="0"} 2.0
vllm:num_requests_waiting{engine="0"} 3.0
vllm:gpu_cache_usage_perc{engine="0"} 0.4
vllm:kv_cache_usage_perc{engine="0"} 0.5
vllm:generation_tokens_total{engine="0"} 1000.0
vllm:time_to_first_token_seconds_sum{engine="0"} 4.0
vllm:time_to_first_token_seconds_count{engine="0"} 8.0
"""
SGLANG = """sglang:num_running_reqs 1.0
sglang:num_queue_reqs 0.0
sglang:token_usage 0.25
sglang:generation_tokens_total 10
"""


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        (VLLM, Reading(2, 3, 0.5, 1000.0, 4.0, 8.0)),
        (SGLANG, Reading(1, 0, 0.25, 10.0, 0.0, 0.0)),
        ("vllm:num_requests_running 1\nvllm:kv_cache_usage_perc NaN\n", Reading(1, 0, None, 0.0, 0.0, 0.0)),
        ("vllm:num_requests_running +Inf\n", None),
        ("vllm:num_requests_waiting 3\n", None),
        ("<html>not metrics</html>", None),
        ("", None),
    ],
)
def test_a_reading_is_what_the_engine_prints(text: str, reading: Reading | None) -> None:
    assert read(text) == reading


def test_rates_are_counted_between_readings_and_begin_anew_after_a_restart() -> None:
    first = PodLoad().grown(Reading(1, 0, 0.1, 1000, 4.0, 8), 100)
    second = first.grown(Reading(2, 1, 0.2, 1500, 5.0, 10), 110)
    assert second.samples[-1] == Sample(110, 2, 1, 0.2, tokens=50.0, first=0.5, begun=2)
    restarted = second.grown(Reading(0, 0, 0.0, 10, 0.0, 0), 120)
    assert restarted.samples[-1] == Sample(120, 0, 0, 0.0)


def test_a_ring_keeps_its_newest_samples_and_no_more() -> None:
    load = PodLoad()
    for at in range(ring.SAMPLES + 5):
        load = load.grown(Reading(at, 0, None, 0, 0, 0), at)
    assert len(load.samples) == ring.SAMPLES and load.samples[-1].at == ring.SAMPLES + 4


def test_a_business_is_the_sum_of_its_pods_at_each_moment() -> None:
    now = int(time.time())
    one = PodLoad((Sample(now - 10, 1, 0, 0.2), Sample(now, 2, 1, 0.4, 30.0, 0.1, 3.0)))
    other = PodLoad((Sample(now, 4, 0, 0.8, 12.4, 0.5, 1.0),))
    plot = plot_together([one, other, None])
    assert plot and (plot.running, plot.waiting, plot.tokens, plot.most) == (6, 1, 42, 7)
    assert (plot.cache, plot.first) == (60, 200)
    assert plot.points == "94.4,16.4 96.0,1.0"


def test_old_news_is_no_load() -> None:
    old = PodLoad((Sample(int(time.time()) - ring.FRESH_SECONDS - 1, 5, 5),))
    assert plot_of(old) is None and plot_together([old, None]) is None and plot_of(PodLoad()) is None


def test_a_cluster_without_pools_is_no_trouble() -> None:
    with capture_logs() as said:
        ring.keep(1, {})
        assert ring.loads(1, []) == {}
    assert not said


def asked(world: World) -> int:
    """How often pods were asked through the cluster since it started."""
    answer = orjson.loads(world.outside.transport.request("GET", "/devcluster/stats"))
    return int(answer["requests"].get("get pods/proxy", 0))


def test_a_round_asks_every_pod_once_and_keeps_what_it_says(world: World) -> None:
    world.mirror()
    before = asked(world)
    assert polling.poll(world.cluster.pk, world.portal) == 4
    assert asked(world) - before == 4
    loads = ring.loads(world.cluster.pk, [pod.uid for pod in world.pods()])
    assert len(loads) == 4 and all(load.now and load.now.running == 0 for load in loads.values())
    polling.poll(world.cluster.pk, world.portal)
    again = ring.loads(world.cluster.pk, loads)
    assert {len(load.samples) for load in again.values()} == {2}


def test_a_pod_that_does_not_answer_costs_its_own_plot_only(world: World) -> None:
    world.mirror()
    silent = world.names()[0]
    world.mishap(kind="hang", path=f"{silent}:.*/metrics", seconds=30)
    assert polling.poll(world.cluster.pk, world.portal) == 3
    assert world.pod(silent).uid not in ring.loads(world.cluster.pk, [world.pod(silent).uid])
    world.calm()


def test_a_cluster_that_is_away_ends_the_round_at_once(world: World) -> None:
    world.mirror()
    nowhere = Kubernetes(dataclasses.replace(world.cluster.connection(), server="https://127.0.0.1:1"))
    pods = polling.askable(world.cluster.pk) * 100
    assert polling.ask_all(nowhere, pods, until=time.monotonic() + 60) == {}


def test_pages_are_told_of_a_round_and_show_its_numbers(
    world: World, client_of: Callable[[User], Client], bob: User
) -> None:
    world.mirror()
    polling.poll(world.cluster.pk, world.portal)
    place = {"cluster": world.cluster.slug, "namespace": world.namespace, "name": world.pool}
    page = client_of(bob).get(reverse("pools:pool_detail", kwargs=place)).content.decode()
    assert "0 running · 0 waiting" in page and "<polyline" in page
