"""The JSON API of calls to models: one that streams at an address of its own, and the earlier panel's, whole.

Both are asynchronous: a caller who hangs up frees the model at once.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Field, Path, Router, Schema
from pydantic import ConfigDict

from apps.clusters import choice
from apps.clusters import selectors as clusters
from apps.clusters.models import Cluster
from apps.inference import proxy, shapes
from apps.inference.calls import Call

router = Router(tags=["inference"])
flat_router = Router(tags=["earlier panel"])
MOST_WHOLE = 8 * 1024 * 1024
Name = Annotated[str, Field(min_length=1, max_length=253)]


class CallIn(Schema):
    """A call of a service by name: never a URL."""

    model_config = ConfigDict(strict=True)

    service: Name
    path: str = Field("/v1/chat/completions", max_length=2000)
    method: Literal["GET", "POST"] = "POST"
    payload: Any = None
    namespace: str = Field("", max_length=63)


@router.api_operation(
    ["GET", "POST"], "/services/{namespace}/{service}/proxy/{path:path}", summary="Call a model, streaming"
)
async def service_proxy(
    request: HttpRequest, cluster: Path[str], namespace: Path[str], service: Path[str], path: Path[str]
) -> HttpResponseBase:
    """Ask a service's path: the answer comes as the model sends it. POST takes JSON."""
    user = choice.person(request)
    return await proxy.streamed(request, user, cluster, namespace, service, path)


@router.post("/proxy-request", response=shapes.CallOut, summary="Call a model")
async def proxy_request(request: HttpRequest, cluster: Path[str], call: CallIn) -> shapes.CallOut:
    """Ask a service, named and never given as a URL; the whole answer comes back as JSON."""
    return await called(request, call, lambda: clusters.cluster(choice.person(request), cluster))


@flat_router.post("/proxy-request", response=shapes.CallOut, summary="Call a model")
async def flat_proxy_request(
    request: HttpRequest, call: CallIn, cluster: str = "", namespace: str = ""
) -> shapes.CallOut:
    """As POST `/api/c/<cluster>/proxy-request`."""
    call.namespace = call.namespace or namespace
    return await called(request, call, lambda: choice.cluster(choice.person(request), cluster))


async def called(request: HttpRequest, call: CallIn, cluster: Callable[[], Cluster]) -> shapes.CallOut:
    """The service's whole answer; `success` says whether its status was below 400."""

    def look() -> Call:
        return prepared(request, cluster(), call)

    allowed = await sync_to_async(look)()
    answer, body = await proxy.whole(allowed, choice.person(request).pk)
    return shapes.call(answer.status, answer.headers, body)


def prepared(request: HttpRequest, cluster: Cluster, call: CallIn) -> Call:
    """The permitted call."""
    return proxy.prepared(
        choice.person(request),
        cluster,
        call.namespace or cluster.default_namespace,
        call.service,
        method=call.method,
        path=call.path.lstrip("/"),
        body=msgspec.json.encode(call.payload) if call.method == "POST" else None,
        most=MOST_WHOLE,
    )
