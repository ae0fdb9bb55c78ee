"""The OpenAI-shaped protocol as vLLM speaks it: chat, completions, embeddings, models, streams and errors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from devcluster.engines.http import Answer, Json, Request
from devcluster.engines.model import Finished, Model
from devcluster.engines.text import count_tokens, embedding, prompt_of

DONE = b"[DONE]"


class Refused(Exception):
    """An error answer in OpenAI's form."""

    def __init__(self, status: int, kind: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.param = param

    def body(self) -> Json:
        return {"error": {"message": str(self), "type": self.kind, "param": self.param, "code": self.status}}


@dataclass(frozen=True)
class Asked:
    """A generation request, checked."""

    id: str
    model: str
    prompt: str
    prompt_tokens: int
    limit: int | None
    stream: bool
    usage: bool
    created: int


class OpenAI:
    """Answers for one engine; `pod` is named in every answer."""

    def __init__(self, model: Model, pod: str) -> None:
        self._model = model
        self._pod = pod
        self._count = 0

    async def answer(self, request: Request, reply: Answer) -> bool:
        """Serve a /v1 path; False when the path is none of these."""
        routes: dict[tuple[str, str], Callable[[Request, Answer], Any]] = {
            ("GET", "/v1/models"): self._models,
            ("POST", "/v1/chat/completions"): self._chat,
            ("POST", "/v1/completions"): self._completion,
            ("POST", "/v1/embeddings"): self._embeddings,
        }
        handler = routes.get((request.method, request.path))
        if handler is None:
            return False
        try:
            await handler(request, reply)
        except Refused as refused:
            await reply.json(refused.body(), refused.status)
        return True

    async def _models(self, request: Request, reply: Answer) -> None:
        program = self._model.program
        created = int(self._model.clock.now())
        cards = [
            {
                "id": name,
                "object": "model",
                "created": created,
                "owned_by": program.kind,
                "root": program.model,
                "parent": None,
                "max_model_len": program.context,
            }
            for name in program.names
        ]
        await reply.json({"object": "list", "data": cards})

    async def _embeddings(self, request: Request, reply: Answer) -> None:
        body = parsed(request)
        name = self._check_model(body)
        given = body.get("input", "")
        texts = [str(text) for text in given] if isinstance(given, list) else [str(given)]
        tokens = sum(count_tokens(text) for text in texts)
        async with self._model.slots.take():
            await self._model.clock.sleep(self._model.program.first_token)
        rows = [
            {"object": "embedding", "index": index, "embedding": embedding(text)}
            for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0}
        await reply.json(
            {"object": "list", "model": name, "data": rows, "usage": usage, "system_fingerprint": self._pod}
        )

    async def _chat(self, request: Request, reply: Answer) -> None:
        body = parsed(request)
        if not isinstance(body.get("messages"), list) or not body["messages"]:
            raise Refused(400, "BadRequestError", "messages: Field required", "messages")
        asked = self._asked(body, "chatcmpl", body.get("max_completion_tokens", body.get("max_tokens")))
        await (
            self._stream(asked, reply, _chat_chunk)
            if asked.stream
            else self._whole(asked, reply, _chat_whole)
        )

    async def _completion(self, request: Request, reply: Answer) -> None:
        body = parsed(request)
        if "prompt" not in body:
            raise Refused(400, "BadRequestError", "prompt: Field required", "prompt")
        asked = self._asked(body, "cmpl", body.get("max_tokens", 16))
        await (
            self._stream(asked, reply, _text_chunk)
            if asked.stream
            else self._whole(asked, reply, _text_whole)
        )

    # --- reading ------------------------------------------------------------------------------------

    def _check_model(self, body: Json) -> str:
        name = body.get("model") or self._model.program.names[0]
        if name not in self._model.program.names:
            raise Refused(404, "NotFoundError", f"The model `{name}` does not exist.", "model")
        return str(name)

    def _asked(self, body: Json, prefix: str, limit: Any) -> Asked:
        name = self._check_model(body)
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            raise Refused(
                400, "BadRequestError", f"max_tokens must be at least 1, got {limit}.", "max_tokens"
            )
        prompt = prompt_of(body)
        tokens = count_tokens(prompt)
        self._check_length(tokens, limit)
        self._count += 1
        mark = hashlib.sha256(f"{self._pod}/{self._count}/{prompt}".encode()).hexdigest()[:32]
        options = body.get("stream_options") or {}
        return Asked(
            id=f"{prefix}-{mark}",
            model=name,
            prompt=prompt,
            prompt_tokens=tokens,
            limit=limit,
            stream=bool(body.get("stream")),
            usage=bool(options.get("include_usage")),
            created=int(self._model.clock.now()),
        )

    def _check_length(self, tokens: int, limit: int | None) -> None:
        most = self._model.program.context
        if tokens + (limit or 0) > most:
            raise Refused(
                400,
                "BadRequestError",
                f"This model's maximum context length is {most} tokens. However, you requested "
                f"{tokens + (limit or 0)} tokens ({tokens} in the messages, {limit or 0} in the completion). "
                "Please reduce the length of the messages or completion.",
            )

    # --- writing ------------------------------------------------------------------------------------

    async def _whole(self, asked: Asked, reply: Answer, shape: Callable[[str, str], Json]) -> None:
        end = Finished()
        parts = [part async for part in self._tokens(asked, end)]
        body = self._frame(asked, shape("".join(parts), end.reason))
        await reply.json({**body, "usage": _usage(asked, end)})

    async def _stream(
        self, asked: Asked, reply: Answer, shape: Callable[[str | None, str | None], Json]
    ) -> None:
        await reply.start(200, "text/event-stream; charset=utf-8")
        end = Finished()
        if shape is _chat_chunk:
            await self._chunk(asked, reply, shape(None, None))
        async for token in self._tokens(asked, end):
            await self._chunk(asked, reply, shape(token, None))
        await self._chunk(asked, reply, shape("", end.reason))
        if asked.usage:
            body = {
                **self._frame(asked, {"object": _object(shape), "choices": []}),
                "usage": _usage(asked, end),
            }
            await reply.event(orjson.dumps(body))
        await reply.event(DONE)
        await reply.end()

    def _tokens(self, asked: Asked, end: Finished) -> Any:
        return self._model.generate(asked.prompt, asked.prompt_tokens, asked.limit, end)

    async def _chunk(self, asked: Asked, reply: Answer, choice: Json) -> None:
        await reply.event(orjson.dumps(self._frame(asked, choice)))

    def _frame(self, asked: Asked, rest: Json) -> Json:
        return {
            "id": asked.id,
            "object": rest["object"],
            "created": asked.created,
            "model": asked.model,
            "system_fingerprint": self._pod,
            "choices": rest["choices"],
        }


def parsed(request: Request) -> Json:
    """The JSON body; Refused 400 otherwise."""
    try:
        return request.json()
    except ValueError as error:
        raise Refused(400, "BadRequestError", f"There was an error parsing the body: {error}") from error


def _usage(asked: Asked, end: Finished) -> Json:
    total = asked.prompt_tokens + end.tokens
    return {"prompt_tokens": asked.prompt_tokens, "total_tokens": total, "completion_tokens": end.tokens}


def _object(shape: object) -> str:
    return "chat.completion.chunk" if shape is _chat_chunk else "text_completion"


def _chat_whole(text: str, reason: str) -> Json:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    return {"object": "chat.completion", "choices": [choice]}


def _chat_chunk(token: str | None, reason: str | None) -> Json:
    delta = {"role": "assistant", "content": ""} if token is None else {"content": token}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return {"object": "chat.completion.chunk", "choices": [choice]}


def _text_whole(text: str, reason: str) -> Json:
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": reason}
    return {"object": "text_completion", "choices": [choice]}


def _text_chunk(token: str | None, reason: str | None) -> Json:
    choice = {"index": 0, "text": token or "", "logprobs": None, "finish_reason": reason}
    return {"object": "text_completion", "choices": [choice]}
