"""SIGTERM to real processes: pages go elsewhere at once, streams may end, leadership passes on."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.db import connection
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from apps.accounts.models import User
from apps.clusters.watching import LOCK
from apps.gateways.kubernetes import Kubernetes
from hyperpod_site.stack.services import Valkey
from tests.inference.calling import Web, answers, chat
from tests.inference.calling import served as served
from tests.inference.real import place_in
from tests.live.conftest import session_of
from tests.processes import Devcluster, free_port, process, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("model-calls")]
GRACE = 6
ENDS_SOON, ENDS_LATE = 60, 4000  # tokens, of which the model speaks 20 a second


@contextmanager
def run_script(name: str, folder: Path, **more: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`deploy/run.sh <name>`, as the image runs it."""
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    start = "import os, sys; os.execvp('sh', ['sh', 'deploy/run.sh', sys.argv[1]])"
    with process("-c", start, name, log=folder / f"{name}.log", PATH=programs, **more) as child:
        yield child


@dataclass
class Portal:
    """A web process of its own, that a test may stop."""

    web: Web
    child: "subprocess.Popen[bytes]"
    log: Path

    def socket(self) -> ClientConnection:
        """An open page of alice's."""
        headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={self.web.cookies['sessionid']}"}
        address = self.web.address.replace("http:", "ws:") + "/ws/page/"
        return connect(address, additional_headers=headers, origin=settings.PORTAL_ORIGIN)  # type: ignore[arg-type]  # websockets wants its own NewType

    def stop(self) -> float:
        """SIGTERM; the moment at which it was sent."""
        self.child.send_signal(signal.SIGTERM)
        return time.monotonic()


@pytest.fixture
def portal(
    transactional_db: None,
    devcluster: Devcluster,
    served: tuple[Kubernetes, str],
    alice: User,
    tmp_path: Path,
) -> Iterator[Portal]:
    place = place_in(devcluster, *served)
    place.look()
    port = free_port()
    given = {"PORTAL_PORT": str(port), "PORTAL_HOST": "127.0.0.1", "PORTAL_GRACE": str(GRACE)}
    with run_script("web", tmp_path, **given) as child:
        until(lambda: answers(port) or child.poll(), seconds=60, what="the portal to answer")
        cookies = {"sessionid": session_of(alice), "csrftoken": "x" * 32}
        web = Web(f"http://127.0.0.1:{port}", place, cookies, token="")
        yield Portal(web, child, tmp_path / "web.log")


class Stream(threading.Thread):
    """One caller of the model, who reads until the end or the cut."""

    def __init__(self, web: Web, tokens: int) -> None:
        super().__init__(daemon=True)
        self.web, self.tokens, self.text, self.cut = web, tokens, "", False

    def run(self) -> None:
        headers = {"X-CSRFToken": self.web.cookies["csrftoken"]}
        with httpx.Client(cookies=self.web.cookies, headers=headers, timeout=60) as client:
            try:
                with client.stream("POST", self.web.url(), json=chat(tokens=self.tokens)) as answer:
                    for chunk in answer.iter_text():
                        self.text += chunk
            except httpx.TransportError:
                self.cut = True

    def begun(self) -> "Stream":
        self.start()
        until(lambda: "data: {" in self.text, what="the first token")
        return self


def test_pages_are_sent_elsewhere_at_once_and_a_stream_may_end(portal: Portal) -> None:
    stream = Stream(portal.web, ENDS_SOON).begun()
    with portal.socket() as page:
        assert '"beat"' in str(page.recv(timeout=20))
        portal.stop()
        assert closed_with(page) == 1012, "a browser takes that for a restart and comes back by itself"
    until(lambda: refused(portal.web.address), seconds=GRACE, what="new visitors to be refused")
    assert stream.is_alive(), "it goes on while nobody new comes in"
    stream.join(30)
    assert not stream.cut and stream.text.rstrip().endswith("data: [DONE]")
    assert portal.child.wait(30) in (0, -signal.SIGTERM)


def closed_with(page: ClientConnection) -> int:
    try:
        while True:
            page.recv(timeout=20)
    except ConnectionClosed as closed:
        assert closed.rcvd is not None
        return int(closed.rcvd.code)


def refused(address: str) -> bool:
    try:
        httpx.get(f"{address}/healthz", timeout=5)
    except httpx.ConnectError:
        return True
    except httpx.TransportError:
        return False
    return False


def test_an_endless_stream_is_cut_after_the_grace_and_frees_its_model(portal: Portal) -> None:
    stream = Stream(portal.web, ENDS_LATE).begun()
    began = portal.stop()
    stream.join(60)
    lasted = time.monotonic() - began
    portal.child.wait(30)
    whole = time.monotonic() - began
    print(f"the stream went on for {lasted:.1f} s of {GRACE} s, the process ended after {whole:.1f} s")
    assert lasted >= GRACE - 1 and "[DONE]" not in stream.text
    until(lambda: portal.web.running == 0, what="the model to be free")


@pytest.fixture
def watchers(transactional_db: None, tmp_path: Path) -> Iterator[Any]:
    with ExitStack() as stack:

        def start(name: str) -> tuple["subprocess.Popen[bytes]", Path]:
            folder, alive = tmp_path / name, tmp_path / name / "alive"
            folder.mkdir()
            child = stack.enter_context(run_script("watcher", folder, PORTAL_ALIVE_FILE=str(alive)))
            until(alive.exists, seconds=60, what="a sign of life")
            return child, alive

        yield start


def leader() -> int:
    """The server process of the session that holds the watcher's lock; 0 where nobody leads."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND"
            " (classid::bigint << 32 | objid::bigint) = hashtext(%s)::bigint & x'ffffffffffffffff'::bigint",
            [f"portal:{LOCK}"],
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def test_a_watcher_that_is_asked_to_stop_hands_its_leadership_on(watchers: Any) -> None:
    first, _alive = watchers("first")
    leads = until(leader, what="the first to lead")
    second, alive = watchers("second")
    assert leader() == leads, "the second one stands by, and gives signs of life all the same"
    seen = alive.stat().st_mtime_ns
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0
    until(lambda: leader() not in (0, leads), seconds=20, what="the second to lead")
    until(lambda: alive.stat().st_mtime_ns > seen, what="another sign of life")
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0
    until(lambda: not leader(), what="nobody to lead")


@pytest.mark.parametrize("name", ["quick", "beat"])
def test_worker_and_beat_give_signs_of_life_and_end_when_asked(name: str, tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    with run_script(name, tmp_path, PORTAL_ALIVE_FILE=str(alive), PORTAL_REDIS_PREFIX="test-idle") as child:
        until(alive.exists, seconds=60, what="a sign of life")
        seen = alive.stat().st_mtime_ns
        until(lambda: alive.stat().st_mtime_ns > seen, seconds=20, what="another sign of life")
        child.send_signal(signal.SIGTERM)
        log = tmp_path / f"{name}.log"
        told = partial(log.read_text, errors="replace")
        until(lambda: child.poll() is not None, seconds=30, what="it to end", told=told)
        assert child.returncode == 0, told()


@contextmanager
def own_broker(folder: Path) -> Iterator[Valkey]:
    """One that a test may freeze."""
    broker = Valkey(folder / "valkey", durable=False)
    broker.start()
    assert broker.process
    try:
        yield broker
    finally:
        broker.process.send_signal(signal.SIGCONT)
        broker.stop()


def test_beat_ends_when_asked_while_it_waits_for_a_broker_that_hangs(tmp_path: Path) -> None:
    """Celery's way out is an exception in the middle of that wait, and redis loses it there."""
    alive, log = tmp_path / "alive", tmp_path / "beat.log"
    with (
        own_broker(tmp_path) as broker,
        run_script("beat", tmp_path, PORTAL_ALIVE_FILE=str(alive), PORTAL_REDIS_URL=broker.url) as child,
    ):
        first = until(lambda: alive.exists() and alive.stat().st_mtime_ns, seconds=60, what="a sign of life")
        until(lambda: alive.stat().st_mtime_ns > first, seconds=20, what="the first duty that is sent")
        assert broker.process
        broker.process.send_signal(signal.SIGSTOP)
        time.sleep(6)  # duties come every 5 s
        child.send_signal(signal.SIGTERM)
        told = partial(log.read_text, errors="replace")
        until(lambda: child.poll() is not None, seconds=20, what="it to end", told=told)
        assert child.returncode == 0, told()


def test_a_hung_process_is_found_by_its_missing_signs(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    check = ["sh", "deploy/run.sh", "alive"]
    environment = {**os.environ, "PORTAL_ALIVE_FILE": str(alive)}
    assert subprocess.run(check, env=environment).returncode != 0, "there is no sign at all"
    alive.touch()
    assert subprocess.run(check, env=environment).returncode == 0
    os.utime(alive, (time.time() - 200, time.time() - 200))
    assert subprocess.run(check, env=environment).returncode != 0
