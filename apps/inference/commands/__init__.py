"""Reading an engine's own command: vLLM's, SGLang's, Ollama's, or that of any other image."""

from apps.inference.commands.engines import Engine, EngineCommand, parse
from apps.inference.commands.words import CommandError, split

__all__ = ["CommandError", "Engine", "EngineCommand", "parse", "split"]
