"""A real Chromium at a real server: what htmx, its ws extension and our scripts do with the frames."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from django.conf import settings as django_settings
from playwright.sync_api import Browser, Page, WebSocket, WebSocketRoute, expect

from apps.accounts.models import User
from apps.live import topics
from apps.live.publish import publish
from tests.chromium import chromium as start_chromium
from tests.live import parts
from tests.live.conftest import session_of
from tests.processes import free_port, until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PATIENCE = 15_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with start_chromium() as found:
        yield found


class Server:
    """The site in a thread; it can go away and come back at the same address."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"

    def start(self) -> None:
        from hyperpod_site.asgi import application

        config = uvicorn.Config(
            application, host="127.0.0.1", port=self.port, log_level="error", lifespan="off",
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        until(lambda: self.server.started, what="the server")

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(20)
        until(self.free, what="the port to be free")

    def free(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) != 0


@pytest.fixture
def server(chromium: Browser, transactional_db: None, settings: Any) -> Iterator[Server]:
    settings.ROOT_URLCONF = "tests.live.urls"
    settings.LIVE_CLIENT_BEAT_SECONDS = 1
    made = Server()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def page(chromium: Browser, server: Server, bob: User) -> Iterator[Page]:
    parts.set_pods(1, "a", "b", "c")
    context = chromium.new_context()
    cookie = {"name": django_settings.SESSION_COOKIE_NAME, "value": session_of(bob), "url": server.url}
    context.add_cookies([cookie])  # type: ignore[list-item]  # a plain dict is what it takes
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(server.url)
    expect(opened.locator("#live-state")).to_contain_text("live ·", timeout=PATIENCE)
    yield opened
    context.close()
    assert [text for text in complaints if "WebSocket" not in text] == []


def phase(page: Page, name: str) -> Any:
    return page.locator(f"tbody > tr[data-name={name}] .phase")


def test_changed_new_and_gone_rows_land_in_the_table(page: Page) -> None:
    parts.change(1, "b", 5, "Failed")
    expect(phase(page, "b")).to_have_text("Failed", timeout=PATIENCE)
    expect(page.locator("tbody > tr")).to_have_count(3)
    parts.set_pods(1, "b", "c", "d", "e", version=9)
    expect(page.locator("tbody > tr")).to_have_count(4, timeout=PATIENCE)
    expect(page.locator("#forms")).to_contain_text("4 pods", timeout=PATIENCE)
    expect(phase(page, "a")).to_have_count(0)


def test_a_select_in_use_is_not_replaced_and_catches_up_later(page: Page) -> None:
    select = page.locator("tr[data-name=a] select")
    select.focus()
    handle = select.element_handle()
    parts.change(1, "a", 5, "Failed")
    parts.change(1, "b", 6, "Failed")
    expect(phase(page, "b")).to_have_text("Failed", timeout=PATIENCE)
    expect(phase(page, "a")).to_have_text("Running")
    assert handle is not None
    assert handle.evaluate("node => node.isConnected && node === document.activeElement")
    handle.evaluate("node => node.blur()")
    expect(phase(page, "a")).to_have_text("Failed", timeout=PATIENCE)


def test_unsaved_input_survives_pushes(page: Page) -> None:
    note = page.locator("tr[data-name=a] input")
    note.fill("half a sen")
    note.blur()
    parts.change(1, "a", 5, "Failed")
    parts.set_pods(1, "a", "b", "c", "d", version=9)
    page.wait_for_timeout(1500)
    expect(note).to_have_value("half a sen")
    note.fill("")
    note.blur()
    expect(page.locator("tbody > tr")).to_have_count(4, timeout=PATIENCE)


def test_frames_for_what_left_the_page_are_no_error(page: Page) -> None:
    page.evaluate("document.querySelector('tr[data-name=a]').remove()")
    parts.change(1, "a", 5, "Failed")
    parts.change(1, "b", 6, "Failed")
    expect(phase(page, "b")).to_have_text("Failed", timeout=PATIENCE)


def test_a_button_keeps_the_focus_through_a_push(page: Page) -> None:
    page.locator("tr[data-name=a] button").focus()
    parts.change(1, "a", 5, "Failed")
    expect(phase(page, "a")).to_have_text("Failed", timeout=PATIENCE)
    expect(page.locator("tr[data-name=a] button")).to_be_focused(timeout=PATIENCE)


def test_lines_go_on_after_the_server_was_away(page: Page, server: Server) -> None:
    parts.write_lines(1, 1, 300)
    publish(topics.lines(1))
    expect(page.locator("#lines p")).to_have_count(300, timeout=PATIENCE)
    server.stop()
    expect(page.locator("#live-state")).to_contain_text("connecting", timeout=PATIENCE)
    parts.write_lines(1, 301, 450)
    server.start()
    expect(page.locator("#lines p")).to_have_count(450, timeout=2 * PATIENCE)
    shown = page.locator("#lines p").all_text_contents()
    assert [int(text) for text in shown] == list(range(1, 451))
    parts.change(1, "a", 5, "Failed")
    expect(phase(page, "a")).to_have_text("Failed", timeout=PATIENCE)


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1012])
def test_a_page_comes_back_however_its_socket_was_closed(page: Page, code: int) -> None:
    sockets: list[WebSocketRoute] = []
    page.route_web_socket("**/ws/page/", lambda route: (route.connect_to_server(), sockets.append(route)))
    page.reload()
    expect(page.locator("#live-state")).to_contain_text("live ·", timeout=PATIENCE)
    sockets[0].close(code=code)
    expect(page.locator("#live-state")).to_contain_text("connecting", timeout=PATIENCE)
    expect(page.locator("#live-state")).to_contain_text("live ·", timeout=PATIENCE)
    parts.change(1, "a", 5, "Failed")
    expect(phase(page, "a")).to_have_text("Failed", timeout=PATIENCE)


def test_a_page_that_heard_nothing_for_long_opens_a_new_socket(page: Page) -> None:
    opened: list[WebSocket] = []
    page.on("websocket", lambda socket: opened.append(socket))
    page.clock.install()
    page.reload()
    expect(page.locator("#live-state")).to_contain_text("live ·", timeout=PATIENCE)
    for times in (2, 3, 4):
        page.clock.fast_forward(20_000)
        until(lambda times=times: page.title() is not None and len(opened) == times, what="a new socket")
        page.clock.run_for(3_000)
        expect(page.locator("#live-state")).to_contain_text("live ·", timeout=PATIENCE)
    parts.change(1, "a", 5, "Failed")
    expect(phase(page, "a")).to_have_text("Failed", timeout=PATIENCE)
    assert len(opened) == 4


def test_a_page_says_that_its_person_was_logged_out(page: Page, bob: User) -> None:
    person = User.objects.get(pk=bob.pk)
    person.is_active = False
    person.save()
    expect(page.locator("#live-state")).to_contain_text("logged out", timeout=PATIENCE)
