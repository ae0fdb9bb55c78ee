"""Where sockets come in: one path, everything else is refused."""

from apps.live.consumers import Receive, Send, page
from apps.live.doors import Scope

PATH = "/ws/page/"


async def sockets(scope: Scope, receive: Receive, send: Send) -> None:
    """The websocket half of the site."""
    if scope["path"] == PATH:
        await page(scope, receive, send)
    elif (await receive())["type"] == "websocket.connect":
        await send({"type": "websocket.close", "code": 4404})
