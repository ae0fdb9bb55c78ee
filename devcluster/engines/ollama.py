"""Ollama's own protocol beside the OpenAI one: tags, ps, generate and chat as lines of JSON."""

from __future__ import annotations

from typing import Any

import orjson

from devcluster.engines.http import Answer, Json, Request
from devcluster.engines.model import Finished, Model
from devcluster.engines.openai import Refused, parsed
from devcluster.engines.text import count_tokens, prompt_of
from devcluster.objects import micro_time


class Ollama:
    """Answers for one engine."""

    def __init__(self, model: Model, pod: str) -> None:
        self._model = model
        self._pod = pod

    async def answer(self, request: Request, reply: Answer) -> bool:
        """Serve an Ollama path; False when the path is none of these."""
        if request.path == "/" and request.method in ("GET", "HEAD"):
            await reply.whole(200, b"Ollama is running", "text/plain; charset=utf-8")
        elif request.path in ("/api/tags", "/api/ps"):
            await reply.json(
                {"models": [{"name": name, "model": name} for name in self._model.program.names]}
            )
        elif request.path == "/api/version":
            await reply.json({"version": "0.12.0"})
        elif request.method == "POST" and request.path in ("/api/generate", "/api/chat"):
            await self._generate(request, reply)
        else:
            return False
        return True

    async def _generate(self, request: Request, reply: Answer) -> None:
        try:
            body = parsed(request)
        except Refused as refused:
            await reply.json({"error": str(refused)}, 400)
            return
        name = str(body.get("model", ""))
        if name not in self._model.program.names:
            await reply.json({"error": f"model '{name}' not found"}, 404)
            return
        limit = (body.get("options") or {}).get("num_predict")
        prompt, end = prompt_of(body), Finished()
        tokens = self._model.generate(prompt, count_tokens(prompt), limit, end)
        chat = request.path == "/api/chat"
        if body.get("stream", True):
            await self._stream(name, tokens, end, chat, reply)
        else:
            text = "".join([token async for token in tokens])
            await reply.json(self._line(name, text, chat, end))

    async def _stream(self, name: str, tokens: Any, end: Finished, chat: bool, reply: Answer) -> None:
        await reply.start(200, "application/x-ndjson")
        async for token in tokens:
            await reply.write(orjson.dumps(self._line(name, token, chat, None)) + b"\n")
        await reply.end(orjson.dumps(self._line(name, "", chat, end)) + b"\n")

    def _line(self, name: str, text: str, chat: bool, end: Finished | None) -> Json:
        said: Json = {"message": {"role": "assistant", "content": text}} if chat else {"response": text}
        line = {
            "model": name,
            "created_at": micro_time(self._model.clock.now()),
            **said,
            "done": end is not None,
        }
        if end is not None:
            line |= {"done_reason": end.reason, "eval_count": end.tokens, "system_fingerprint": self._pod}
        return line
