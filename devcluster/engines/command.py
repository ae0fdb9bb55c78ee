"""What a container runs, read from its command, arguments, image and environment."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from devcluster.objects import Json

DEFAULT_PORTS = {"vllm": 8000, "sglang": 30000, "ollama": 11434, "echo": 8080}
DEFAULT_SLOTS = 32
DEFAULT_SPEED = 50.0
DEFAULT_CONTEXT = 32768


@dataclass(frozen=True)
class Program:
    """`kind` is vllm, sglang, ollama, echo or script; `speed` is tokens per second of one sequence."""

    kind: str
    model: str = ""
    names: tuple[str, ...] = ()
    port: int = 0
    slots: int = DEFAULT_SLOTS
    speed: float = DEFAULT_SPEED
    context: int = DEFAULT_CONTEXT
    first_token: float = 0.05
    load: float | None = None
    argv: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def is_engine(self) -> bool:
        return self.kind in ("vllm", "sglang", "ollama")


def program_of(container: Json, *, restarts_always: bool = True) -> Program:
    """The program of a container. Whatever serves nothing and may end is a script."""
    argv = words(container)
    environment = {entry["name"]: str(entry.get("value", "")) for entry in container.get("env") or ()}
    kind = _kind(argv, container, restarts_always)
    if kind == "script":
        return Program(kind, argv=tuple(argv), environment=environment)
    model = _model(kind, argv, container)
    served = _values(argv, "--served-model-name") or [model]
    return Program(
        kind=kind,
        model=model,
        names=tuple(served),
        port=_port(kind, argv, container, environment),
        slots=int(_number(argv, ("--max-num-seqs", "--max-running-requests"), DEFAULT_SLOTS)),
        speed=_setting(environment, "DEVCLUSTER_TOKENS_PER_SECOND", DEFAULT_SPEED),
        context=int(_number(argv, ("--max-model-len", "--context-length"), DEFAULT_CONTEXT)),
        first_token=_setting(environment, "DEVCLUSTER_FIRST_TOKEN_SECONDS", 0.05),
        load=_setting(environment, "DEVCLUSTER_LOAD_SECONDS", -1.0),
        argv=tuple(argv),
        environment=environment,
    )


def words(container: Json) -> list[str]:
    """Command and arguments as one list; the text of `sh -c` is split like a shell would."""
    argv = [str(word) for word in [*(container.get("command") or ()), *(container.get("args") or ())]]
    if len(argv) >= 3 and argv[0].rsplit("/", 1)[-1] in ("sh", "bash") and argv[1] in ("-c", "-lc", "-ec"):
        return shell_words(argv[2])
    return argv


def shell_words(text: str) -> list[str]:
    """Words of a shell text; separators are words of their own. Unbalanced quotes: split at blanks."""
    try:
        lexer = shlex.shlex(text.replace("\\\n", " ").replace("\n", ";"), posix=True, punctuation_chars=";&|")
        lexer.whitespace_split = True
        return list(lexer)
    except ValueError:
        return text.split()


def _kind(argv: list[str], container: Json, restarts_always: bool) -> str:
    line, image = " ".join(argv), container.get("image", "")
    if "sglang.launch_server" in line or re.search(r"\bsglang serve\b", line):
        return "sglang"
    if re.search(r"\bvllm serve\b", line) or "vllm.entrypoints" in line:
        return "vllm"
    if "ollama" in image or "ollama serve" in line:
        return "ollama"
    if "vllm/vllm" in image and argv and "--model" in line:
        return "vllm"
    ends = bool(argv) and argv[0] in ("sleep", "echo", "exit", "true", "false")
    return "script" if ends or not restarts_always else "echo"


def _values(argv: list[str], flag: str) -> list[str]:
    """Values after `--flag` or in `--flag=value`, up to the next flag."""
    for index, word in enumerate(argv):
        if word.startswith(f"{flag}="):
            return [word.split("=", 1)[1]]
        if word == flag:
            rest = argv[index + 1 :]
            stop = next((n for n, value in enumerate(rest) if value.startswith("-")), len(rest))
            return rest[:stop]
    return []


def _number(argv: list[str], flags: tuple[str, ...], default: float) -> float:
    for flag in flags:
        values = _values(argv, flag)
        if values and re.fullmatch(r"\d+(\.\d+)?", values[0]):
            return float(values[0])
    return default


def _setting(environment: dict[str, str], name: str, default: float) -> float:
    try:
        return float(environment[name])
    except (KeyError, ValueError):
        return default


def _model(kind: str, argv: list[str], container: Json) -> str:
    if kind == "ollama":
        return _pulled(container) or "llama3"
    for flag in ("--model-path", "--model"):
        if found := _values(argv, flag):
            return found[0]
    if "serve" in argv:
        rest = argv[argv.index("serve") + 1 :]
        return next((word for word in rest if not word.startswith("-")), "model")
    return "model"


def _pulled(container: Json) -> str:
    """The model an Ollama pod fetches: in its command or in its postStart hook."""
    hook = ((container.get("lifecycle") or {}).get("postStart") or {}).get("exec") or {}
    text = " ".join([*words(container), *(str(word) for word in hook.get("command") or ())])
    found = re.search(r"ollama (?:pull|run) ([^\s;&|\"']+)", text)
    return found.group(1) if found else ""


def _port(kind: str, argv: list[str], container: Json, environment: dict[str, str]) -> int:
    values = _values(argv, "--port")
    if values and values[0].isdigit():
        return int(values[0])
    if kind == "ollama" and (found := re.search(r":(\d+)$", environment.get("OLLAMA_HOST", ""))):
        return int(found.group(1))
    ports = container.get("ports") or []
    if kind == "echo" and ports:
        return int(ports[0]["containerPort"])
    return DEFAULT_PORTS[kind]
