"""Names for deployments: safe, short, apart, and the same every time."""

import random
import re

import pytest

from apps.inference.naming import LONGEST, is_name, kubernetes_name, slug

DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
ALPHABET = "abzABZ019-_./: @\\'\"<>${}模型éß\U0001f999\u0301\x00\ud800"


@pytest.mark.parametrize(
    ("model_id", "name"),
    [
        ("Qwen/Qwen3-0.6B", "vllm-qwen-qwen3-0-6b"),
        ("/s3/Qwen-Qwen3-0.6B", "vllm-s3-qwen-qwen3-0-6b"),
        ("gpt-oss:20b", "vllm-gpt-oss-20b"),
        ("meta-llama/Llama-3.1-8B-Instruct", "vllm-meta-llama-llama-3-1-8b-instruct"),
    ],
)
def test_names_stay_readable(model_id: str, name: str) -> None:
    assert kubernetes_name(model_id, engine="vllm") == name


def test_any_id_gives_a_name_that_kubernetes_takes() -> None:
    chance = random.Random(7)
    for _ in range(3000):
        model_id = "".join(chance.choices(ALPHABET, k=chance.randrange(0, 120)))
        name = kubernetes_name(model_id, engine="vllm", suffix=chance.choice(["", "pool"]))
        assert DNS_1035.match(name), (model_id, name)
        assert len(name) <= LONGEST
        assert is_name(name)


def test_long_ids_that_differ_at_the_end_keep_apart() -> None:
    names = {kubernetes_name("org/" + "x" * 80 + str(number), engine="vllm") for number in range(500)}
    assert len(names) == 500


def test_ids_outside_ascii_keep_apart() -> None:
    ids = ["千问", "通义", "模型", "été", "ete\u0301x", "🦙", "🦙🦙", ""]
    assert len({kubernetes_name(model_id, engine="vllm") for model_id in ids}) == len(ids)


def test_a_taken_name_gets_a_number_before_its_suffix() -> None:
    taken = {"vllm-a-b-pool", "vllm-a-b-2-pool"}
    assert kubernetes_name("a/b", engine="vllm", suffix="pool", taken=taken) == "vllm-a-b-3-pool"


def test_a_hundred_namesakes_all_fit() -> None:
    taken: set[str] = set()
    for _ in range(100):
        taken.add(kubernetes_name("org/" + "y" * 90, engine="sglang", suffix="pool", taken=taken))
    assert len(taken) == 100
    assert all(is_name(name) for name in taken)


def test_the_same_id_always_gives_the_same_name() -> None:
    assert kubernetes_name("千问", engine="vllm") == kubernetes_name("千问", engine="vllm")


@pytest.mark.parametrize("value", ["", "-a", "a-", "A", "1a", "a_b", "a.b", "a b", "a" * 46, "ä", "a\n"])
def test_is_name_refuses_what_kubernetes_refuses(value: str) -> None:
    assert not is_name(value)


def test_a_slug_may_be_empty_but_a_name_never_is() -> None:
    assert slug("///") == ""
    assert kubernetes_name("///", engine="vllm").startswith("vllm-")
