"""Not Kubernetes: counters and switchable mishaps under /devcluster/, for administrators."""

from __future__ import annotations

from devcluster.api.request import Request
from devcluster.api.respond import send_json, success
from devcluster.decode import parse
from devcluster.errors import BadRequest, MethodNotAllowed, NoSuchResource
from devcluster.stats import Stats
from devcluster.world import World


async def handle(request: Request, world: World, stats: Stats) -> None:
    """GET stats; GET, POST, DELETE mishaps; DELETE one of them."""
    parts = request.path.strip("/").split("/")[1:]
    if parts == ["stats"] and request.method == "GET":
        await send_json(request, 200, stats.to_json())
    elif parts[:1] == ["mishaps"]:
        await _mishaps(request, world, "/".join(parts[1:]))
    else:
        raise NoSuchResource


async def _mishaps(request: Request, world: World, name: str) -> None:
    if request.method == "GET" and not name:
        await send_json(request, 200, {"items": world.mishaps.list()})
    elif request.method == "POST" and not name:
        body = parse(await request.body(), "application/json", "Mishap")
        if not isinstance(body, dict):
            raise BadRequest("a mishap is a JSON object")
        await send_json(request, 201, world.mishaps.add(body))
    elif request.method == "DELETE":
        world.mishaps.remove(name) if name else world.mishaps.clear()
        await send_json(request, 200, success())
    else:
        raise MethodNotAllowed
