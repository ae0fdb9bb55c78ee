"""Model servers of the development cluster answer as vLLM and SGLang do, at a speed one can reckon with."""

from __future__ import annotations

import re
from typing import Any

import pytest

from devcluster.clock import Clock
from devcluster.engines import ConnectionCut, Engine, Program, program_of, start_process
from devcluster.logs import LogBuffer
from tests.devcluster.asking import Call

CHAT = "/v1/chat/completions"


def container(*command: str, image: str = "vllm/vllm-openai:v0.11.0", **environment: str) -> dict[str, Any]:
    env = [{"name": name, "value": value} for name, value in environment.items()]
    return {"name": "server", "image": image, "command": list(command), "env": env}


VLLM = ("vllm", "serve", "Qwen/Qwen3-8B")


async def running(*command: str, **environment: str) -> tuple[Engine, Clock]:
    """An engine that has loaded its model, in virtual time."""
    clock = Clock(start=1_800_000_000.0)
    program = program_of(container(*(command or VLLM), **environment))
    engine = start_process(program, "llm-1", clock, LogBuffer(clock.now), 1.0)
    assert isinstance(engine, Engine)
    engine.start()
    await clock.advance(1.0)
    return engine, clock


def question(text: str = "Where do labels lead?", **more: Any) -> dict[str, Any]:
    return {"model": "Qwen/Qwen3-8B", "messages": [{"role": "user", "content": text}], **more}


def metric(engine: Engine, name: str) -> float:
    found = re.search(rf"^{re.escape(name)}\{{[^}}]*\}} (\S+)$", engine.metrics(), re.MULTILINE)
    assert found, name
    return float(found.group(1))


# --- what runs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "kind", "model", "port"),
    [
        (container("vllm", "serve", "Qwen/Qwen3-8B", "--port", "9000"), "vllm", "Qwen/Qwen3-8B", 9000),
        (
            container("python3", "-m", "vllm.entrypoints.openai.api_server", "--model=org/m"),
            "vllm",
            "org/m",
            8000,
        ),
        (container("sh", "-c", "export A=1; vllm serve org/m --port 8123"), "vllm", "org/m", 8123),
        (
            container("python3", "-m", "sglang.launch_server", "--model-path", "org/s"),
            "sglang",
            "org/s",
            30000,
        ),
        (container(image="ollama/ollama:latest"), "ollama", "llama3", 11434),
        (container(image="nginx"), "echo", "model", 8080),
    ],
)
def test_the_command_says_what_runs(made: dict[str, Any], kind: str, model: str, port: int) -> None:
    program = program_of(made)
    assert (program.kind, program.model, program.port) == (kind, model, port)


def test_served_names_slots_and_speed_are_read() -> None:
    made = container(
        *VLLM, "--served-model-name", "a", "b", "--max-num-seqs", "4", DEVCLUSTER_TOKENS_PER_SECOND="7"
    )
    program = program_of(made)
    assert (program.names, program.slots, program.speed) == (("a", "b"), 4, 7.0)


# --- answers ----------------------------------------------------------------------------------------


async def test_a_chat_answer_names_its_pod_and_counts_its_tokens() -> None:
    engine, clock = await running()
    call = Call(engine, "POST", CHAT, question(max_tokens=5))
    await clock.advance(5)
    assert call.status == 200 and call.headers["x-served-by"] == "llm-1"
    assert call.json["system_fingerprint"] == "llm-1"
    assert call.json["choices"][0]["finish_reason"] == "length"
    assert call.json["usage"]["completion_tokens"] == 5


async def test_the_same_question_gets_the_same_answer() -> None:
    engine, clock = await running()
    calls = [Call(engine, "POST", CHAT, question()) for _ in range(2)]
    await clock.advance(20)
    first, second = (call.json["choices"][0]["message"]["content"] for call in calls)
    assert first == second and len(first.split()) >= 20


async def test_a_stream_of_500_tokens_lasts_ten_seconds() -> None:
    engine, clock = await running()
    call = Call(engine, "POST", CHAT, question(max_tokens=500, stream=True))
    await clock.advance(5)
    half = len(call.words.split())
    await clock.advance(5.5)
    assert 235 <= half <= 255
    assert call.finished and len(call.words.split()) == 500


async def test_a_stream_has_vllms_frames() -> None:
    engine, clock = await running()
    body = question(max_tokens=3, stream=True, stream_options={"include_usage": True})
    call = Call(engine, "POST", CHAT, body)
    await clock.advance(2)
    assert call.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert call.events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert call.events[-3]["choices"][0]["finish_reason"] == "length"
    assert call.events[-2]["choices"] == [] and call.events[-2]["usage"]["completion_tokens"] == 3
    assert call.events[-1] == "[DONE]"


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        (CHAT, {**question(), "model": "other"}, 404, "The model `other` does not exist."),
        (CHAT, {"model": "Qwen/Qwen3-8B"}, 400, "messages"),
        (CHAT, question(max_tokens=0), 400, "max_tokens"),
        (CHAT, question(max_tokens=99999), 400, "maximum context length"),
        ("/v1/completions", {"model": "Qwen/Qwen3-8B"}, 400, "prompt"),
        ("/nowhere", {}, 404, "Not Found"),
    ],
)
async def test_errors_have_vllms_form(path: str, body: dict[str, Any], status: int, words: str) -> None:
    engine, clock = await running()
    call = Call(engine, "POST", path, body)
    await clock.advance(1)
    assert call.status == status and words in call.body.decode()


async def test_models_embeddings_and_completions_answer() -> None:
    engine, clock = await running()
    models = Call(engine, "GET", "/v1/models")
    vectors = Call(engine, "POST", "/v1/embeddings", {"input": ["one", "two"]})
    text = Call(engine, "POST", "/v1/completions", {"prompt": "Say", "max_tokens": 2})
    await clock.advance(2)
    assert models.json["data"][0]["id"] == "Qwen/Qwen3-8B"
    assert len(vectors.json["data"]) == 2
    assert len(text.json["choices"][0]["text"].split()) == 2


async def test_ollama_speaks_its_own_protocol_too() -> None:
    clock = Clock(start=1_800_000_000.0)
    program = program_of(container("sh", "-c", "ollama serve & ollama pull qwen3:8b", image="ollama/ollama"))
    engine = start_process(program, "olm-1", clock, LogBuffer(clock.now), 0.0)
    engine.start()
    await clock.advance(0.1)
    assert isinstance(engine, Engine)
    call = Call(
        engine, "POST", "/api/generate", {"model": "qwen3:8b", "prompt": "hi", "options": {"num_predict": 2}}
    )
    await clock.advance(2)
    assert call.body.count(b"\n") == 3 and b'"done":true' in call.body


# --- the queue --------------------------------------------------------------------------------------


async def test_more_requests_than_slots_wait_and_the_metrics_say_so() -> None:
    engine, clock = await running(*VLLM, "--max-num-seqs", "2")
    calls = [Call(engine, "POST", CHAT, question(f"q{n}", max_tokens=50)) for n in range(5)]
    await clock.advance(0.5)
    assert metric(engine, "vllm:num_requests_running") == 2
    assert metric(engine, "vllm:num_requests_waiting") == 3
    assert metric(engine, "vllm:gpu_cache_usage_perc") > 0
    await clock.advance(5)
    assert all(call.finished for call in calls)
    assert metric(engine, "vllm:num_requests_running") == 0
    assert metric(engine, "vllm:generation_tokens_total") == 250


async def test_sglang_tells_the_same_by_its_own_names() -> None:
    engine, clock = await running(
        "python3", "-m", "sglang.launch_server", "--model-path", "org/s", "--max-running-requests", "1"
    )
    for number in range(2):
        Call(engine, "POST", CHAT, {**question(f"q{number}", max_tokens=100), "model": "org/s"})
    await clock.advance(1)
    assert metric(engine, "sglang:num_running_reqs") == 1
    assert metric(engine, "sglang:num_queue_reqs") == 1
    assert metric(engine, "sglang:gen_throughput") > 0


async def test_a_client_that_leaves_frees_its_slot() -> None:
    engine, clock = await running(*VLLM, "--max-num-seqs", "1")
    first = Call(engine, "POST", CHAT, question("one", max_tokens=500, stream=True))
    second = Call(engine, "POST", CHAT, question("two", max_tokens=5))
    await clock.advance(1)
    first.leave()
    await clock.advance(1)
    assert second.finished and engine.model.slots.running == 0


async def test_a_client_that_leaves_while_waiting_takes_no_slot_later() -> None:
    engine, clock = await running(*VLLM, "--max-num-seqs", "1")
    Call(engine, "POST", CHAT, question("one", max_tokens=100, stream=True))
    waiting = Call(engine, "POST", CHAT, question("two", max_tokens=500))
    await clock.advance(1)
    waiting.leave()
    await clock.advance(3)
    assert (engine.model.slots.running, engine.model.slots.waiting) == (0, 0)


# --- the end ----------------------------------------------------------------------------------------


async def test_sigterm_lets_running_streams_finish_and_takes_nothing_new() -> None:
    engine, clock = await running()
    codes: list[int] = []
    engine.on_exit = codes.append
    call = Call(engine, "POST", CHAT, question(max_tokens=100, stream=True))
    await clock.advance(0.5)
    engine.terminate()
    late = Call(engine, "GET", "/health")
    await clock.advance(0.1)
    assert isinstance(late.task.exception(), ConnectionCut) and not codes
    await clock.advance(3)
    assert call.finished and call.events[-1] == "[DONE]" and codes == [0]


async def test_sigkill_cuts_the_stream_without_an_end() -> None:
    engine, clock = await running()
    call = Call(engine, "POST", CHAT, question(max_tokens=100, stream=True))
    await clock.advance(0.5)
    engine.kill()
    await clock.advance(0.1)
    assert not call.finished and isinstance(call.task.exception(), ConnectionCut)


async def test_an_engine_listens_only_when_its_model_has_loaded() -> None:
    clock = Clock(start=1_800_000_000.0)
    log = LogBuffer(clock.now)
    engine = start_process(program_of(container(*VLLM)), "llm-1", clock, log, 10.0)
    engine.start()
    await clock.advance(9)
    early = engine.listening
    await clock.advance(2)
    assert (early, engine.listening) == (False, True)
    assert any(b"Started server process" in line for _, line in log.lines)


async def test_the_log_shows_requests_and_throughput() -> None:
    engine, clock = await running()
    Call(engine, "POST", CHAT, question(max_tokens=100))
    await clock.advance(12)
    text = b"\n".join(line for _, line in engine.log.lines).decode()
    assert 'POST /v1/chat/completions HTTP/1.1" 200 OK' in text
    assert "Avg generation throughput: 10.0 tokens/s" in text


async def test_scripts_echo_sleep_and_exit() -> None:
    clock = Clock(start=1_800_000_000.0)
    log, codes = LogBuffer(clock.now), []  # type: LogBuffer, list[int]
    made = container("sh", "-c", "echo hello; sleep 3; exit 4", image="busybox")
    script = start_process(program_of(made, restarts_always=False), "job-1", clock, log, 0.0)
    script.on_exit = codes.append
    script.start()
    await clock.advance(2)
    assert not codes
    await clock.advance(2)
    assert codes == [4] and log.lines[0][1] == b"hello"


def test_a_server_image_in_a_job_is_a_script() -> None:
    assert (
        program_of(container("python", "train.py", image="pytorch"), restarts_always=False).kind == "script"
    )
    assert isinstance(program_of(container(image="nginx")), Program)
