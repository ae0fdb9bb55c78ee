"""The command parser: what people paste, what they meant, and what is refused in which words."""

import pytest

from apps.inference.commands import CommandError, Engine, parse, split

# fmt: off
READ = [
    # command, engine, model, port, gpus
    ("vllm serve Qwen/Qwen3-0.6B --tensor-parallel-size 1 --max-model-len 4096", "vllm", "Qwen/Qwen3-0.6B",
     8000, 1),
    ("vllm serve Qwen/Qwen3-0.6B", "vllm", "Qwen/Qwen3-0.6B", 8000, 1),
    ("vllm serve /s3/Qwen-Qwen3-0.6B --host 0.0.0.0 --port 9000", "vllm", "/s3/Qwen-Qwen3-0.6B", 9000, 1),
    ("vllm serve --model Qwen/Qwen3-0.6B", "vllm", "Qwen/Qwen3-0.6B", 8000, 1),
    ("vllm serve --model=Qwen/Qwen3-0.6B --port=8123", "vllm", "Qwen/Qwen3-0.6B", 8123, 1),
    ("vllm serve a/b --tensor-parallel-size 8", "vllm", "a/b", 8000, 8),
    ("vllm serve a/b --tensor-parallel-size=8", "vllm", "a/b", 8000, 8),
    ("vllm serve a/b --tensor_parallel_size 4", "vllm", "a/b", 8000, 4),
    ("vllm serve a/b -tp 4", "vllm", "a/b", 8000, 4),
    ("vllm serve a/b -tp=4", "vllm", "a/b", 8000, 4),
    ("vllm serve a/b -tp 2 -pp 2", "vllm", "a/b", 8000, 4),
    ("vllm serve a/b -tp 2 -pp 2 -dp 2", "vllm", "a/b", 8000, 8),
    ("vllm serve a/b --data-parallel-size 4 --data-parallel-size-local 2", "vllm", "a/b", 8000, 2),
    ("vllm serve a/b --tensor-parallel-size 2 --tensor-parallel-size 4", "vllm", "a/b", 8000, 4),
    ("vllm serve --port 8001 a/b", "vllm", "a/b", 8001, 1),
    ("vllm serve --trust-remote-code a/b", "vllm", "a/b", 8000, 1),
    ("vllm serve --enable-auto-tool-choice --no-enable-prefix-caching a/b", "vllm", "a/b", 8000, 1),
    ("vllm serve --model a/b --served-model-name x y --port 8002", "vllm", "a/b", 8002, 1),
    ("vllm serve a/b --model c/d", "vllm", "a/b", 8000, 1),
    ("/usr/local/bin/vllm serve a/b", "vllm", "a/b", 8000, 1),
    ("python -m vllm.entrypoints.openai.api_server --model a/b -tp 2", "vllm", "a/b", 8000, 2),
    ("python3 -m vllm.entrypoints.openai.api_server --model=a/b --port 80", "vllm", "a/b", 80, 1),
    ("python3.11 -u -m vllm.entrypoints.openai.api_server --model a/b", "vllm", "a/b", 8000, 1),
    ("/opt/venv/bin/python3 -m vllm.entrypoints.openai.api_server --model a/b", "vllm", "a/b", 8000, 1),
    ("python -m sglang.launch_server --model-path a/b", "sglang", "a/b", 30000, 1),
    ("python3 -m sglang.launch_server --model-path=a/b --tp-size=2 --port=8000", "sglang", "a/b", 8000, 2),
    ("python3 -m sglang.launch_server --model-path a/b --tp 4 --dp 2", "sglang", "a/b", 30000, 8),
    ("python3 -m sglang.launch_server --model-path a/b --tp 8 --dp 8 --enable-dp-attention", "sglang", "a/b",
     30000, 8),
    ("python3 -m sglang.launch_server --model a/b --pp-size 2", "sglang", "a/b", 30000, 2),
    ("sglang serve --model-path a/b", "sglang", "a/b", 30000, 1),
    ("ollama run gpt-oss:20b", "ollama", "gpt-oss:20b", 11434, 1),
    ("ollama pull qwen3:0.6b", "ollama", "qwen3:0.6b", 11434, 1),
    ("/serve --model a/b --gpus 2 --port 7000", "custom", "a/b", 7000, 2),
    ("text-generation-launcher --model-id a/b --port 8080", "custom", "a/b", 8080, 1),
    ("python server.py --model_name_or_path a/b", "custom", "a/b", 8000, 1),
    ("python -m my.server --model a/b", "custom", "a/b", 8000, 1),
    ("FOO=1 vllm serve a/b", "vllm", "a/b", 8000, 1),
    ("VLLM_USE_V1=1 HF_HOME='/s3/cache dir' vllm serve a/b", "vllm", "a/b", 8000, 1),
    ("env FOO=1 vllm serve a/b", "vllm", "a/b", 8000, 1),
    ("exec vllm serve a/b", "vllm", "a/b", 8000, 1),
    ('bash -c "vllm serve a/b -tp 2"', "vllm", "a/b", 8000, 2),
    ("/bin/sh -lc 'FOO=1 exec vllm serve a/b'", "vllm", "a/b", 8000, 1),
    ("$ vllm serve a/b", "vllm", "a/b", 8000, 1),
    ("# the small one\nvllm serve a/b", "vllm", "a/b", 8000, 1),
    ("vllm serve a/b \\\n  --port 8001 \\\n  -tp 2", "vllm", "a/b", 8001, 2),
    ("vllm serve a/b \\\r\n  --port 8001", "vllm", "a/b", 8001, 1),
    ("vllm serve a/b \\  \n  --port 8001", "vllm", "a/b", 8001, 1),
    ("vllm serve a/b\n  --port 8001\n  -tp 2\n", "vllm", "a/b", 8001, 2),
    ("vllm serve 'a b/c'", "vllm", "a b/c", 8000, 1),
    ('vllm serve "a/b" --port "8001"', "vllm", "a/b", 8001, 1),
    ("vllm serve a/b --hf-overrides '{\"x\": \"$HOME | rm\"}'", "vllm", "a/b", 8000, 1),
    ("vllm serve '$(reboot)'", "vllm", "$(reboot)", 8000, 1),
    ("vllm serve '<b>${x}{{ y }}</b>'", "vllm", "<b>${x}{{ y }}</b>", 8000, 1),
    ("vllm serve 模型/千问", "vllm", "模型/千问", 8000, 1),
    ("vllm serve ../../etc/passwd", "vllm", "../../etc/passwd", 8000, 1),
]

REFUSED = [
    # command, a part of the sentence
    ("", "Type the command"),
    ("   \n ", "Type the command"),
    ("vllm", "does not serve"),
    ("vllm chat", "does not serve"),
    ("vllm serve", "names no model"),
    ("vllm serve --port 8000", "names no model"),
    ("vllm serve ''", "names no model"),
    ("python -m sglang.launch_server --tp 2", "names no model"),
    ("python -m vllm.entrypoints.openai.api_server a/b", "names no model"),
    ("ollama serve", "names no model"),
    ("ollama list", "does not serve"),
    ("vllm serve 'a/b", "never closed"),
    ('vllm serve "a/b', "never closed"),
    ("vllm serve a/b \\", "backslash"),
    ("vllm serve a/b; rm -rf /", "needs a shell"),
    ("vllm serve a/b && reboot", "“&&” needs a shell"),
    ("vllm serve a/b || reboot", "“||” needs a shell"),
    ("vllm serve a/b | tee log", "“|” needs a shell"),
    ("vllm serve a/b > log", "“>” needs a shell"),
    ("vllm serve a/b 2>&1", "needs a shell"),
    ("vllm serve a/b &", "“&” needs a shell"),
    ("vllm serve a/b <in", "“<” needs a shell"),
    ("(vllm serve a/b)", "needs a shell"),
    ("vllm serve $MODEL", "not expanded"),
    ("vllm serve ${MODEL}", "not expanded"),
    ('vllm serve "$MODEL"', "not expanded"),
    ("vllm serve $(cat model)", "needs a shell"),
    ("vllm serve `cat model`", "not expanded"),
    ('vllm serve "`cat model`"', "not expanded"),
    ("vllm serve ~/model", "not expanded"),
    ("vllm serve a/b # comment", "comment"),
    ("vllm serve a/b\nvllm serve c/d", "several commands"),
    ('vllm serve a/b --x {"a":1}', "single quotes"),
    ("vllm serve a/b –port 8000", "typographic"),
    ("vllm serve “a/b”", "typographic"),
    ("vllm serve a/b\x00", "cannot be printed"),
    ("vllm serve a/b\x1b[31m", "cannot be printed"),
    ("vllm serve " + "a" * 301, "longer than 300"),
    ("vllm serve " + "a" * 20_000, "longer than 16000"),
    ("vllm serve a/b --port", "--port has no value"),
    ("vllm serve a/b --port --host 0.0.0.0", "--port has no value"),
    ("vllm serve a/b --port 0", "from 1 to 65535"),
    ("vllm serve a/b --port 65536", "from 1 to 65535"),
    ("vllm serve a/b --port -1", "from 1 to 65535"),
    ("vllm serve a/b --port http", "not “http”"),
    ("vllm serve a/b --port ８０００", "whole number"),
    ("vllm serve a/b -tp 0", "from 1 to 1024"),
    ("vllm serve a/b -tp -2", "from 1 to 1024"),
    ("vllm serve a/b -tp two", "not “two”"),
    ("vllm serve a/b -tp 1.5", "not “1.5”"),
    ("vllm serve a/b -tp 99999999999999999999", "from 1 to 1024"),
    ("vllm serve a/b --max-model-len many", "number of tokens"),
    ("vllm serve a/b --max-model-len 0", "number of tokens"),
    ("vllm serve a/b --nnodes 2", "several nodes"),
    ("vllm serve a/b --host 127.0.0.1", "only the pod itself"),
    ("vllm serve a/b --host localhost", "only the pod itself"),
    ("vllm serve a/b --api-key sesame", "Leave --api-key out"),
    ("HF_TOKEN=x vllm serve a/b", "Leave HF_TOKEN out"),
    ("env HUGGING_FACE_HUB_TOKEN=x vllm serve a/b", "Leave HUGGING_FACE_HUB_TOKEN out"),
    ("vllm serve a/b --x hf_abcdefghijklmnopqrstuvwxyz", "Leave hf_… out"),
    ("bash -c 'HF_TOKEN=x vllm serve a/b'", "Leave HF_TOKEN out"),
    ("CUDA_VISIBLE_DEVICES=0 vllm serve a/b", "chooses the pod's GPUs"),
    ("docker run vllm/vllm-openai --model a/b", "outside the pod"),
    ("sudo vllm serve a/b", "outside the pod"),
    ("kubectl delete ns default", "outside the pod"),
    ("bash -c 'vllm serve a/b' extra", "own command instead"),
    ("bash -c \"vllm serve a/b; reboot\"", "needs a shell"),
    ("FOO=1", "no program"),
    ("--model a/b", "begins with a flag"),
]
# fmt: on


@pytest.mark.parametrize(("command", "engine", "model", "port", "gpus"), READ)
def test_it_reads_engine_model_port_and_gpus(
    command: str, engine: str, model: str, port: int, gpus: int
) -> None:
    found = parse(command)
    assert (found.engine, found.model_id, found.port, found.gpus) == (engine, model, port, gpus)


@pytest.mark.parametrize(("command", "words"), REFUSED)
def test_it_refuses_in_words_that_say_why(command: str, words: str) -> None:
    with pytest.raises(CommandError) as refusal:
        parse(command)
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("4096", 4096),
        ("4k", 4000),
        ("4K", 4096),
        ("25.6k", 25600),
        ("1m", 1_000_000),
        ("auto", None),
        ("-1", None),
    ],
)
def test_it_reads_the_context_length_as_vllm_does(text: str, tokens: int | None) -> None:
    assert parse(f"vllm serve a/b --max-model-len {text}").max_model_len == tokens


def test_the_container_gets_every_word_unchanged() -> None:
    found = parse(
        """FOO='a b' vllm serve a/b --hf-overrides '{"k": "v w"}' --allowed-origins '["*"]' x\\ y"""
    )
    assert found.argv == (
        "vllm", "serve", "a/b", "--hf-overrides", '{"k": "v w"}', "--allowed-origins", '["*"]', "x y",
    )  # fmt: skip
    assert found.environment == (("FOO", "a b"),)


def test_sglang_is_made_to_listen_for_others_and_the_user_is_told() -> None:
    found = parse("python -m sglang.launch_server --model-path a/b")
    assert found.argv[-2:] == found.added == ("--host", "0.0.0.0")
    assert parse("python -m sglang.launch_server --model-path a/b --host ::").added == ()


def test_served_names_are_what_requests_must_ask_for() -> None:
    assert parse("vllm serve a/b --served-model-name one two").served_name == "one"
    assert parse("vllm serve a/b --served-model-name=one").served_name == "one"
    assert parse("vllm serve a/b").served_name == "a/b"


def test_a_chosen_engine_must_be_the_commands_own() -> None:
    assert parse("vllm serve a/b", engine="vllm").engine is Engine.VLLM
    with pytest.raises(CommandError, match="not a command of SGLang"):
        parse("vllm serve a/b", engine="sglang")


def test_a_given_model_id_fills_in_and_overrules() -> None:
    assert parse("vllm serve --config /etc/v.yaml", model_id="x/y").model_id == "x/y"
    assert parse("/entrypoint.sh").model_id == ""


def test_splitting_agrees_with_the_standard_library_on_plain_commands() -> None:
    import shlex

    plain = [command for command, *_ in READ if "\n" not in command and not command.startswith("$")]
    assert len(plain) > 40
    for command in plain:
        assert split(command) == shlex.split(command), command
