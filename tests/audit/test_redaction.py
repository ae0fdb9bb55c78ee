"""No secret is written down, wherever it hides."""

import pytest

from apps.audit.redaction import HIDDEN, clean, is_secret, redact

CANARY = "hf_CanaryCanaryCanary42"


@pytest.mark.parametrize(
    "key",
    [
        "token",
        "hf_token",
        "HUGGING_FACE_HUB_TOKEN",
        "Password",
        "clientSecret",
        "api_key",
        "kubeconfig",
        "Authorization",
    ],
)
def test_values_under_secret_keys_are_hidden_however_deep(key: str) -> None:
    assert redact({"a": [{"b": {key: "plain"}}]}) == {"a": [{"b": {key: HIDDEN}}]}


@pytest.mark.parametrize(
    "text",
    [
        f"vllm serve M --hf-token {CANARY}",
        "vllm serve M --api-key=plain-canary",
        "vllm serve M --api-key 'plain-canary with spaces'",
        "HF_TOKEN=plain-canary vllm serve M",
        "Authorization: Bearer plain-canary.x.y",
        "postgres://portal:plain-canary@db/portal",
        "hpp_plain-canary-0123456789abcdef",
        "AKIAPLAINCANARY12345",
    ],
)
def test_secrets_inside_text_are_hidden(text: str) -> None:
    cleaned = clean(text)
    assert "anary" not in cleaned and "CANARY" not in cleaned and HIDDEN in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "vllm serve Qwen/Qwen3-0.6B --tensor-parallel-size 1 --max-model-len 4096",
        "vllm serve M --tokenizer Qwen/Qwen3 --tokenizer-mode auto --max-num-batched-tokens 512",
        "Your role may not lend pods; operators and admins may.",
        "https://example.org/a:b@c",
    ],
)
def test_ordinary_text_is_kept(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    "key",
    [
        *("max_tokens", "maxTokens", "max-tokens", "max_completion_tokens", "max_num_batched_tokens"),
        *("prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "stop_token_ids"),
        *("tokens_per_second", "token_count", "tokenizer", "tokenizer_mode", "num_tokens", "max_new_tokens"),
    ],
)
def test_numbers_of_tokens_are_no_secrets(key: str) -> None:
    assert redact({key: 512}) == {key: 512} and not is_secret(key)


@pytest.mark.parametrize(
    "key",
    [
        *("max_tokens_secret", "tokenizer_api_key", "access_token", "id_token", "tokens", "refreshToken"),
        *("my_token", "new_token", "secret_max_tokens", "input_token", "token_count_secret", "token"),
    ],
)
def test_a_key_that_only_resembles_such_a_number_stays_hidden(key: str) -> None:
    assert redact({key: "plain"}) == {key: HIDDEN}


def test_a_secret_is_hidden_even_under_the_name_of_a_number() -> None:
    assert CANARY not in str(redact({"max_tokens": f"Bearer {CANARY}"}))


def test_odd_values_become_what_json_carries() -> None:
    class Odd:
        def __str__(self) -> str:
            return "odd"

    assert redact({1: Odd(), "t": (1, None, True, 1.5), "s": {"x"}}) == {
        "1": "odd",
        "t": [1, None, True, 1.5],
        "s": ["x"],
    }
