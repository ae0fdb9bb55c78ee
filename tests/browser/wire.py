"""The line between a page's socket and the portal, which can be cut and mended."""

from playwright.sync_api import BrowserContext, Page, WebSocketRoute, expect

BROKEN = 1006  # what a browser says when nobody said good-bye


class Wire:
    """Every socket that the context's pages open from now on goes through it."""

    def __init__(self, context: BrowserContext) -> None:
        self.whole = True
        self.sockets: list[WebSocketRoute] = []
        context.route_web_socket("**/ws/page/", self._open)

    def cut(self, page: Page) -> None:
        """Break the sockets, and each that is tried; returns when the page says so."""
        self.whole = False
        for socket in self.sockets:
            socket.close(code=BROKEN)
        self.sockets.clear()
        expect(page.locator("#live-state")).to_contain_text("connecting")

    def mend(self) -> None:
        """The next try succeeds."""
        self.whole = True

    def _open(self, socket: WebSocketRoute) -> None:
        if not self.whole:
            socket.close(code=BROKEN)
            return
        socket.connect_to_server()
        self.sockets.append(socket)
