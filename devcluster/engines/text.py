"""Words of an answer: made from the prompt alone, so that the same question gets the same answer."""

from __future__ import annotations

import hashlib
import random
import re
from typing import Any

SPEECH = (
    "the model answers in plain words while every token takes its own small time and the pod "
    "keeps count of what runs and what waits so a reader can follow traffic as it moves from "
    "one business to another without a restart because labels decide where requests go and "
    "endpoints follow them a moment later on each node of the cluster"
)
WORDS = SPEECH.split()
SHORTEST, LONGEST = 20, 120


def count_tokens(text: str) -> int:
    """About as many as a tokenizer would make: words and signs."""
    return max(1, len(re.findall(r"\w+|[^\w\s]", text)))


def prompt_of(body: dict[str, Any]) -> str:
    """The text of `messages` or `prompt`, with roles, as a chat template would join it."""
    if "messages" in body:
        return "\n".join(f"{entry.get('role', '')}: {content_of(entry)}" for entry in body["messages"])
    prompt = body.get("prompt", "")
    return " ".join(map(str, prompt)) if isinstance(prompt, list) else str(prompt)


def content_of(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))


def answer(prompt: str, limit: int | None) -> tuple[list[str], str]:
    """(tokens, finish reason). With a limit exactly that many ("length"); else 20 to 120 ("stop")."""
    rng = random.Random(_seed(prompt))
    wanted = rng.randint(SHORTEST, LONGEST) if limit is None else limit
    tokens = [rng.choice(WORDS) for _ in range(wanted)]
    spaced = [token if index == 0 else f" {token}" for index, token in enumerate(tokens)]
    return spaced, "stop" if limit is None else "length"


def embedding(text: str, dimensions: int = 64) -> list[float]:
    """A unit vector that depends on the text only."""
    rng = random.Random(_seed(text))
    vector = [rng.gauss(0, 1) for _ in range(dimensions)]
    length = sum(value * value for value in vector) ** 0.5
    return [value / length for value in vector]


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
