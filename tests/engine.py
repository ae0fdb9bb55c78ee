"""A chat completion asked of an engine, past the portal: through the API server's proxy."""

from typing import Any, Literal

import orjson

from apps.gateways.kubernetes import Kubernetes
from apps.gateways.kubernetes.proxy import ProxyResponse
from apps.pools.business import DEFAULT_PORT

MODEL = "Qwen/Qwen3-0.6B"


def chat(
    kubernetes: Kubernetes,
    name: str,
    *,
    namespace: str,
    tokens: int,
    kind: Literal["pods", "services"] = "pods",
    stream: bool = True,
) -> ProxyResponse:
    """The answer's beginning; use it in a `with`."""
    message = {"role": "user", "content": "Count the GPUs."}
    body: dict[str, Any] = {"model": MODEL, "messages": [message], "max_tokens": tokens, "stream": stream}
    return kubernetes.proxy(
        kind,
        name,
        DEFAULT_PORT,
        "v1/chat/completions",
        namespace=namespace,
        method="POST",
        body=orjson.dumps(body),
        headers={"Content-Type": "application/json"},
    )
