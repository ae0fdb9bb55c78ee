"""What runs in a container: a model server, a plain echo server, or a short script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from devcluster.clock import Clock, Timer
from devcluster.engines import metrics
from devcluster.engines.command import Program
from devcluster.engines.http import Answer, ConnectionCut, Receive, Request, Send, read, unless_gone
from devcluster.engines.model import Model
from devcluster.engines.ollama import Ollama
from devcluster.engines.openai import OpenAI
from devcluster.engines.slots import Slots
from devcluster.logs import LogBuffer

KILLED, TERMINATED = 137, 143
QUICK_END = 0.05  # seconds an idle server needs to exit


class Process:
    """One run of a container. `on_exit(code)` is called once; `on_change` when what a probe sees changes."""

    def __init__(self, program: Program, pod: str, clock: Clock, log: LogBuffer) -> None:
        self.program = program
        self.pod = pod
        self.clock = clock
        self.log = log
        self.listening = False
        self.healthy = True
        self.ended = False
        self.on_exit: Callable[[int], None] = lambda code: None
        self.on_change: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin; a server listens when it has loaded."""

    def terminate(self) -> None:
        """SIGTERM."""
        self.end(TERMINATED)

    def kill(self, code: int = KILLED) -> None:
        """SIGKILL, or a crash with another code: whatever runs is cut."""
        self.end(code)

    def end(self, code: int) -> None:
        if not self.ended:
            self.ended = True
            self.listening = False
            self.log.close()
            self.on_exit(code)

    def probe(self, path: str) -> bool:
        """Whether an HTTP GET of `path` would now be answered with 200 to 399."""
        return self.listening and self.healthy


class Server(Process):
    """A process that answers HTTP; after SIGTERM it takes nothing new and ends when it is idle."""

    def __init__(self, program: Program, pod: str, clock: Clock, log: LogBuffer, load: float) -> None:
        super().__init__(program, pod, clock, log)
        self.load = load if program.load is None or program.load < 0 else program.load
        self.stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._moving = asyncio.Event()
        self._moving.set()

    def start(self) -> None:
        self.clock.after(self.load, self._listen)

    def stall(self) -> None:
        """Deadlocked: connections are accepted, nothing is answered, probes time out."""
        self._moving.clear()
        self.on_change()

    def go_on(self) -> None:
        self._moving.set()
        self.on_change()

    def probe(self, path: str) -> bool:
        return super().probe(path) and self._moving.is_set()

    def _listen(self) -> None:
        if not self.ended and not self.stopping:
            self.listening = True
            self.on_change()

    @property
    def busy(self) -> bool:
        return bool(self._tasks)

    def terminate(self) -> None:
        self.stopping = True
        self.listening = False
        self.on_change()
        if not self.busy:
            self.clock.after(QUICK_END, self._end_when_idle)

    def _end_when_idle(self) -> None:
        if self.stopping and not self.busy:
            self.end(0)

    def kill(self, code: int = KILLED) -> None:
        self.end(code)
        for task in tuple(self._tasks):
            task.cancel()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """ASGI. ConnectionCut when this process dies during the answer."""
        if scope["type"] != "http" or not self.listening:
            raise ConnectionCut("connection refused")
        try:
            request = await read(scope, receive)
        except ConnectionCut:
            return
        reply = Answer(send, self.pod)
        try:
            if await unless_gone(self._serve(request, reply), receive, self._tasks):
                raise ConnectionCut("connection reset by peer")
        finally:
            self._end_when_idle()

    async def _serve(self, request: Request, reply: Answer) -> None:
        await self._moving.wait()
        await self.answer(request, reply)
        self.log_request(request, reply.status)

    def log_request(self, request: Request, status: int) -> None:
        phrase = {200: "OK", 400: "Bad Request", 404: "Not Found", 503: "Service Unavailable"}.get(status, "")
        line = f'INFO:     {request.client} - "{request.method} {request.path} HTTP/1.1" {status} {phrase}'
        self.log.write(line.rstrip())

    async def answer(self, request: Request, reply: Answer) -> None:
        raise NotImplementedError


class EchoServer(Server):
    """Answers every path with what it was asked."""

    async def answer(self, request: Request, reply: Answer) -> None:
        if not self.healthy:
            await reply.json({"status": "unhealthy"}, 503)
            return
        text = request.body.decode(errors="replace")
        await reply.json(
            {
                "served_by": self.pod,
                "method": request.method,
                "path": request.path,
                "query": request.query,
                "body": text,
            }
        )


class Engine(Server):
    """vLLM, SGLang or Ollama."""

    def __init__(self, program: Program, pod: str, clock: Clock, log: LogBuffer, load: float) -> None:
        super().__init__(program, pod, clock, log, load)
        self.model = Model(program, clock, log, Slots(program.slots))
        self._openai = OpenAI(self.model, pod)
        self._ollama = Ollama(self.model, pod)

    def start(self) -> None:
        super().start()
        name, argv = self.program.model, " ".join(self.program.argv)
        if self.program.kind == "vllm":
            self.log.write(
                f"INFO [api_server.py:1896] vLLM API server version 0.11.0\nINFO non-default args: {argv}"
            )
            self.log.write(f"INFO [gpu_model_runner.py:2602] Starting to load model {name}...")
        elif self.program.kind == "sglang":
            self.log.write(
                f"server_args=ServerArgs(model_path='{name}')\nLoad weight begin. avail mem=21.60 GB"
            )
        else:
            self.log.write(f'time={int(self.clock.now())} level=INFO msg="server config" model={name}')

    def _listen(self) -> None:
        super()._listen()
        if not self.listening:
            return
        self.log.write(f"INFO [gpu_model_runner.py:2653] Model loading took {self.load:.6f} seconds")
        self.log.write("INFO:     Started server process [1]\nINFO:     Waiting for application startup.")
        self.log.write(
            f"INFO:     Application startup complete.\nINFO:     Uvicorn running on http://0.0.0.0:"
            f"{self.program.port} (Press CTRL+C to quit)"
        )

    def terminate(self) -> None:
        if not self.stopping:
            self.log.write("INFO:     Shutting down")
        super().terminate()

    async def answer(self, request: Request, reply: Answer) -> None:
        if request.path in ("/health", "/ping", "/health_generate"):
            await reply.whole(200 if self.healthy else 503, b"", "text/plain; charset=utf-8")
        elif request.path == "/metrics":
            await reply.whole(200, self.metrics().encode(), "text/plain; version=0.0.4; charset=utf-8")
        elif request.path in ("/version", "/get_model_info", "/server_info", "/get_server_info"):
            await reply.json(self._about())
        elif not await self._openai.answer(request, reply) and not await self._also(request, reply):
            await reply.json({"detail": "Not Found"}, 404)

    async def _also(self, request: Request, reply: Answer) -> bool:
        return self.program.kind == "ollama" and await self._ollama.answer(request, reply)

    def metrics(self) -> str:
        reading = self.model.reading()
        if self.program.kind == "sglang":
            return metrics.sglang(reading, self.model.counters)
        return metrics.vllm(reading, self.model.counters)

    def _about(self) -> dict[str, object]:
        if self.program.kind == "sglang":
            return {"model_path": self.program.model, "is_generation": True, "version": "0.5.3"}
        return {"version": "0.11.0"}


class Script(Process):
    """Runs the few shell words development jobs use: echo, sleep, exit, true, false."""

    def __init__(self, program: Program, pod: str, clock: Clock, log: LogBuffer) -> None:
        super().__init__(program, pod, clock, log)
        self._steps = _steps(program)
        self._timer: Timer | None = None

    def start(self) -> None:
        self._timer = self.clock.after(0, self._next)

    def kill(self, code: int = KILLED) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().kill(code)

    def _next(self) -> None:
        while not self.ended:
            if not self._steps:
                self.end(0)
                return
            word, rest = self._steps.pop(0)
            if word == "sleep":
                self._timer = None if rest == "infinity" else self.clock.after(float(rest), self._next)
                return
            if word == "exit":
                self.end(int(rest))
            else:
                self.log.write(rest)


def _steps(program: Program) -> list[tuple[str, str]]:
    """(sleep seconds), (exit code) and (echo text) in order; anything else is logged and takes no time."""
    environment = program.environment
    if "DEVCLUSTER_RUN_SECONDS" in environment or "DEVCLUSTER_EXIT_CODE" in environment:
        return [
            ("echo", "started: " + " ".join(program.argv)),
            ("sleep", environment.get("DEVCLUSTER_RUN_SECONDS", "1")),
            ("exit", environment.get("DEVCLUSTER_EXIT_CODE", "0")),
        ]
    known = {"sleep", "echo", "exit", "true", "false", ":"}
    commands = _commands(program.argv)
    if not any(command[0] in known for command in commands):
        return [("echo", "started: " + " ".join(program.argv)), ("sleep", "5")]
    return [step for command in commands if (step := _step(command))]


def _commands(argv: tuple[str, ...]) -> list[list[str]]:
    commands: list[list[str]] = [[]]
    for word in argv:
        if set(word) <= set(";&|") and word:
            commands.append([])
        else:
            commands[-1].append(word)
    return [command for command in commands if command]


def _step(command: list[str]) -> tuple[str, str] | None:
    word, rest = command[0], command[1:]
    if word == "sleep":
        return "sleep", _seconds(rest[0] if rest else "0")
    if word == "false":
        return "exit", "1"
    if word == "exit":
        return "exit", rest[0] if rest and rest[0].isdigit() else "0"
    if word in ("true", ":"):
        return None
    return "echo", " ".join(rest if word == "echo" else command)


def _seconds(text: str) -> str:
    if text == "infinity":
        return text
    factor = {"s": 1, "m": 60, "h": 3600}.get(text[-1:], 0)
    try:
        return str(float(text[:-1]) * factor if factor else float(text))
    except ValueError:
        return "1"


def start_process(program: Program, pod: str, clock: Clock, log: LogBuffer, load: float) -> Process:
    """The process for a program, not yet started; `load` is the seconds a model takes to load."""
    if program.is_engine:
        return Engine(program, pod, clock, log, load)
    if program.kind == "echo":
        return EchoServer(program, pod, clock, log, 0.0)
    return Script(program, pod, clock, log)
