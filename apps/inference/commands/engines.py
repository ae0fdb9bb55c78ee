"""What each engine's command says: model, served names, address, port and GPUs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.inference.commands.flags import Flags
from apps.inference.commands.words import CommandError, split
from apps.inference.commands.wrappers import unwrap

MOST_PARALLEL = 1024
LONGEST_MODEL_ID = 300
_PYTHON = re.compile(r"(?:.*/)?python(?:3(?:\.\d+)?)?\Z")


class Engine(TextChoices):
    """What serves the model; the value is the label `model-type`."""

    VLLM = "vllm", "vLLM"
    SGLANG = "sglang", "SGLang"
    OLLAMA = "ollama", "Ollama"
    CUSTOM = "custom", _lazy("Custom")


@dataclass(frozen=True, slots=True)
class EngineCommand:
    """A command that was understood.

    `gpus` are those of one pod; `max_model_len` is in tokens, None = the engine decides. `added` are
    words that the portal added so that the server can be reached; the user is shown them.
    """

    engine: Engine
    argv: tuple[str, ...]
    model_id: str
    port: int
    gpus: int
    served_names: tuple[str, ...] = ()
    host: str = ""
    max_model_len: int | None = None
    environment: tuple[tuple[str, str], ...] = ()
    added: tuple[str, ...] = ()

    @property
    def served_name(self) -> str:
        """The name that requests must give as `model`."""
        return self.served_names[0] if self.served_names else self.model_id


@dataclass(frozen=True, slots=True)
class Dialect:
    """The flags of one engine; each tuple begins with the spelling to show."""

    engine: Engine
    port: int
    model: tuple[str, ...]
    tensor: tuple[str, ...] = ("--tensor-parallel-size", "--tp-size", "--tp", "-tp")
    pipeline: tuple[str, ...] = ("--pipeline-parallel-size", "--pp-size", "--pp", "-pp")
    data: tuple[str, ...] = ("--data-parallel-size", "--dp-size", "--dp", "-dp")
    length: tuple[str, ...] = ()
    loopback: bool = False
    """Listens on 127.0.0.1 unless told otherwise."""
    usage: str = ""


VLLM = Dialect(Engine.VLLM, 8000, ("--model",), length=("--max-model-len",), usage="vllm serve <model>")
SGLANG = Dialect(
    Engine.SGLANG,
    30000,
    ("--model-path", "--model"),
    tensor=("--tp-size", "--tensor-parallel-size", "--tp", "-tp"),
    length=("--context-length",),
    loopback=True,
    usage="python -m sglang.launch_server --model-path <model>",
)
OLLAMA = Dialect(Engine.OLLAMA, 11434, ("--model",), usage="ollama run <model>")
CUSTOM = Dialect(
    Engine.CUSTOM,
    8000,
    ("--model", "--model-path", "--model-id", "--model-name-or-path"),
    tensor=("--tensor-parallel-size", "--tp-size", "--tp", "--gpus", "--gpu-count"),
)
MODULES = {"vllm.entrypoints.openai.api_server": VLLM, "sglang.launch_server": SGLANG}


def parse(text: str, *, engine: str = "", model_id: str = "") -> EngineCommand:
    """Understand the command in `text`; `engine` ("" = find out) and `model_id` overrule what it says.

    Raises CommandError in people's words: not one plain command, another engine's, no model, a bad value.
    """
    words, environment = unwrap(split(text))
    dialect, rest = _dialect(words)
    if engine and engine != dialect.engine:
        raise CommandError(
            _("This is not a command of %(engine)s: it begins with “%(word)s”.")
            % {"engine": Engine(engine).label, "word": words[0][:40]}
        )
    if dialect is OLLAMA:
        return _ollama(rest, environment, model_id)
    return _read(dialect, words, Flags(rest), environment, model_id)


def _dialect(words: Sequence[str]) -> tuple[Dialect, Sequence[str]]:
    """Whose command this is, and the words after the part that says so."""
    if words[0].startswith("-"):
        raise CommandError(
            _("The command begins with a flag. Begin with the program, like “%(vllm)s”.")
            % {"vllm": VLLM.usage}
        )
    program = words[0].rpartition("/")[2]
    if program == "ollama":
        return OLLAMA, words[1:]
    if program in ("vllm", "sglang"):
        dialect = VLLM if program == "vllm" else SGLANG
        _require_serve(program, words[1:2], dialect.usage)
        return dialect, words[2:]
    return _module(words) if _PYTHON.match(words[0]) else (CUSTOM, words[1:])


def _require_serve(program: str, following: Sequence[str], usage: str) -> None:
    if list(following) != ["serve"]:
        said = " ".join([program, *following])
        raise CommandError(
            _("“%(said)s” does not serve a model; use “%(usage)s”.") % {"said": said[:60], "usage": usage}
        )


def _module(words: Sequence[str]) -> tuple[Dialect, Sequence[str]]:
    """`python [-u ...] -m module ...`."""
    for at, word in enumerate(words[1:], start=1):
        if word == "-m":
            module = words[at + 1] if at + 1 < len(words) else ""
            return MODULES.get(module, CUSTOM), words[at + 2 :]
        if not word.startswith("-"):
            break
    return CUSTOM, words[1:]


def _read(
    dialect: Dialect, words: Sequence[str], flags: Flags, environment: dict[str, str], model_id: str
) -> EngineCommand:
    host, added = _host(dialect, flags)
    return EngineCommand(
        engine=dialect.engine,
        argv=(*words, *added),
        model_id=_model(dialect, model_id or _named_model(dialect, words, flags)),
        port=flags.number("--port", default=dialect.port, low=1, high=65535),
        gpus=_gpus(dialect, flags),
        served_names=flags.texts("--served-model-name"),
        host=host,
        max_model_len=flags.length(*dialect.length) if dialect.length else None,
        environment=tuple(environment.items()),
        added=added,
    )


def _named_model(dialect: Dialect, words: Sequence[str], flags: Flags) -> str:
    """The model by flag; of `vllm serve` also as the word behind it, which wins there, or a later word."""
    by_flag = flags.text(*dialect.model) or ""
    if dialect is not VLLM or _PYTHON.match(words[0]):
        return by_flag
    if flags.words and not flags.words[0].startswith("-"):
        return flags.words[0]
    return by_flag or flags.positional() or ""


def _model(dialect: Dialect, model: str) -> str:
    """`model`, checked; only a custom image may leave it open."""
    if not model.strip() and dialect is not CUSTOM:
        raise CommandError(_("The command names no model; write “%(usage)s”.") % {"usage": dialect.usage})
    if len(model) > LONGEST_MODEL_ID:
        raise CommandError(_("The model id is longer than %(most)d characters.") % {"most": LONGEST_MODEL_ID})
    return model.strip()


def _host(dialect: Dialect, flags: Flags) -> tuple[str, tuple[str, ...]]:
    """The address it listens on, and what must be added so that others than the pod itself reach it."""
    host = flags.text("--host") or ""
    if host in ("localhost", "::1") or host.startswith("127."):
        raise CommandError(
            _("With --host %(host)s only the pod itself could reach the server; use --host 0.0.0.0.")
            % {"host": host}
        )
    if not host and dialect.loopback:
        return "0.0.0.0", ("--host", "0.0.0.0")  # noqa: S104 (a pod must listen on its own address)
    return host, ()


def _gpus(dialect: Dialect, flags: Flags) -> int:
    """GPUs of one pod: tensor x pipeline x data parallel."""
    _refuse_many_nodes(flags)
    sizes = [
        flags.number(*names, default=1, low=1, high=MOST_PARALLEL)
        for names in (dialect.tensor, dialect.pipeline, dialect.data)
    ]
    if dialect is SGLANG and flags.given("--enable-dp-attention"):
        sizes[2] = 1  # its data parallel ranks share the tensor parallel GPUs
    if dialect is VLLM:
        sizes[2] = flags.number(
            "--data-parallel-size-local", "-dpl", default=sizes[2], low=1, high=MOST_PARALLEL
        )
    return sizes[0] * sizes[1] * sizes[2]


def _refuse_many_nodes(flags: Flags) -> None:
    if flags.number("--nnodes", default=1, low=1, high=MOST_PARALLEL) > 1:
        raise CommandError(
            _("--nnodes above 1 spreads one server over several nodes; one pod is one node here.")
        )


def _ollama(rest: Sequence[str], environment: dict[str, str], model_id: str) -> EngineCommand:
    """`ollama serve`, `ollama run M`, `ollama pull M`: the pod serves, and loads the model itself."""
    verb, *others = rest or ("",)
    if verb not in ("serve", "run", "pull"):
        _require_serve("ollama", [verb] if verb else [], OLLAMA.usage)
    named = Flags(others).positional() if verb != "serve" else None
    model = _model(OLLAMA, model_id or named or "")
    return EngineCommand(
        Engine.OLLAMA, ("ollama", "serve"), model, OLLAMA.port, gpus=1, environment=tuple(environment.items())
    )
