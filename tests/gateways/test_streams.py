"""Watches, logs and the proxy when the other side is slow, silent, broken, lying, or when we hang up."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.gateways.errors import Gone, Invalid, NotFound, ServerError, TimedOut, TooLarge, Unreachable
from apps.gateways.kubernetes import Kubernetes
from tests.gateways.odd_server import OddServer, Request, odd_server
from tests.processes import until

ADDED = b'{"type":"ADDED","object":{"metadata":{"name":"a"}}}'
EXPIRED = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}'


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[OddServer]:
    with odd_server(lambda request: request.answer(b"{}"), tmp_path) as running:
        yield running


@pytest.fixture
def client(odd: OddServer) -> Kubernetes:
    return Kubernetes(odd.connection(), timeout=15)


def sends(*chunks: bytes, end: bool = True, pause: float = 0) -> Callable[[Request], None]:
    def answer(request: Request) -> None:
        request.begin()
        for chunk in chunks:
            request.chunk(chunk)
            time.sleep(pause)
        if end:
            request.end()
        else:
            request.socket.close()
            raise OSError

    return answer


def stalls(*chunks: bytes, ended: threading.Event) -> Callable[[Request], None]:
    """Sends, then waits until the client hangs up."""

    def answer(request: Request) -> None:
        request.begin()
        for chunk in chunks:
            request.chunk(chunk)
        if request.hung_up():
            ended.set()
        raise OSError

    return answer


def watch(client: Kubernetes, **more: Any) -> Any:
    return client.watch("pods", resource_version="5", **more)


def test_a_watch_asks_for_bookmarks_from_a_revision(odd: OddServer, client: Kubernetes) -> None:
    odd.answer = sends(ADDED + b"\n")
    assert list(watch(client, namespace="team", timeout=60)) == [ADDED]
    target = odd.requests[0].target
    assert target.startswith("/api/v1/namespaces/team/pods?")
    assert {"watch=1", "allowWatchBookmarks=true", "resourceVersion=5", "timeoutSeconds=60"} <= set(
        target.partition("?")[2].split("&")
    )


def test_events_split_and_joined_by_the_network_stay_whole(odd: OddServer, client: Kubernetes) -> None:
    odd.answer = sends(
        ADDED[:10], ADDED[10:] + b"\n" + ADDED + b"\n" + ADDED[:3], ADDED[3:] + b"\n\n", pause=0.02
    )
    assert list(watch(client)) == [ADDED] * 3


@pytest.mark.parametrize("line", [EXPIRED, b'{"object":{"kind":"Status","code":410},"type":"ERROR"}'])
def test_a_forgotten_revision_is_gone(odd: OddServer, client: Kubernetes, line: bytes) -> None:
    odd.answer = sends(ADDED + b"\n" + line + b"\n")
    events = watch(client)
    assert next(events) == ADDED
    with pytest.raises(Gone):
        next(events)
    assert events.closed


def test_gone_as_a_status_code_is_gone_too(odd: OddServer, client: Kubernetes) -> None:
    odd.answer = lambda request: request.answer(b"{}", status=410)
    with pytest.raises(Gone):
        watch(client)


def test_another_error_in_a_watch_is_raised(odd: OddServer, client: Kubernetes) -> None:
    odd.answer = sends(b'{"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcd"}}\n')
    with pytest.raises(ServerError, match="etcd"):
        next(watch(client))


@pytest.mark.parametrize("last", [b"", ADDED[:20]])
def test_a_watch_that_breaks_says_so(odd: OddServer, client: Kubernetes, last: bytes) -> None:
    odd.answer = sends(ADDED + b"\n" + last, end=False)
    events = watch(client)
    assert next(events) == ADDED
    with pytest.raises(Unreachable):
        next(events)


def test_a_last_half_line_is_not_an_event(odd: OddServer, client: Kubernetes) -> None:
    odd.answer = sends(ADDED + b"\n" + ADDED[:20])
    events = watch(client)
    assert next(events) == ADDED
    with pytest.raises(Unreachable, match="middle of a line"):
        next(events)


def test_a_silent_watch_is_noticed(odd: OddServer, client: Kubernetes) -> None:
    ended = threading.Event()
    odd.answer = stalls(ADDED + b"\n", ended=ended)
    events = watch(client, silence=0.3)
    assert next(events) == ADDED
    with pytest.raises(TimedOut):
        next(events)
    assert ended.wait(10)


def test_a_watch_is_closed_from_another_thread(odd: OddServer, client: Kubernetes) -> None:
    ended = threading.Event()
    odd.answer = stalls(ADDED + b"\n", ended=ended)
    events = watch(client)
    seen: list[bytes] = []
    reader = threading.Thread(target=lambda: seen.extend(events))
    reader.start()
    until(lambda: seen)
    events.close()
    reader.join(10)
    assert not reader.is_alive() and seen == [ADDED]
    assert ended.wait(10)


def test_closing_twice_and_reading_on_is_harmless(odd: OddServer, client: Kubernetes) -> None:
    odd.answer = stalls(ADDED + b"\n" + ADDED + b"\n", ended=threading.Event())
    with watch(client) as events:
        next(events)
    events.close()
    assert list(events) in ([], [ADDED])


def test_a_stream_read_to_its_end_gives_its_connection_back(odd: OddServer, client: Kubernetes) -> None:
    odd.answer = sends(ADDED + b"\n")
    for _ in range(3):
        assert list(watch(client)) == [ADDED]
    assert len({id(request.socket) for request in odd.requests}) == 1


def test_a_log_is_followed_line_by_line_and_closed(odd: OddServer, client: Kubernetes) -> None:
    ended = threading.Event()
    odd.answer = stalls(b"one\ntwo\n\nthr", ended=ended)
    with client.logs("p", namespace="n", container="c", follow=True, tail=10, since=60) as lines:
        assert [next(lines) for _ in range(3)] == [b"one", b"two", b""]
    assert ended.wait(10)
    query = set(odd.requests[0].target.partition("?")[2].split("&"))
    assert query == {"container=c", "follow=true", "tailLines=10", "sinceSeconds=60"}


def test_a_long_log_line_stays_whole(odd: OddServer, client: Kubernetes) -> None:
    odd.answer = sends(b"x" * 161_000 + b"\nlast without newline")
    assert [len(line) for line in client.logs("p", namespace="n")] == [161_000, 20]


def test_no_log_yet_is_an_empty_one(odd: OddServer, client: Kubernetes) -> None:
    odd.answer = lambda request: request.send(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert list(client.logs("p", namespace="n")) == []


def ask(client: Kubernetes, path: str = "v1/models", **more: Any) -> Any:
    return client.proxy("services", "svc", "http", path, namespace="team", **more)


def test_nothing_of_ours_goes_along(odd: OddServer, client: Kubernetes) -> None:
    sent = {
        "Cookie": "sessionid=canary",
        "Authorization": "Bearer canary",
        "X-Forwarded-For": "10.0.0.1",
        "Host": "evil.example",
        "Content-Type": "application/json",
        "accept": "text/event-stream",
    }
    ask(client, "v1/chat/completions", method="POST", body=b"{}", headers=sent).close()
    arrived = odd.requests[0]
    assert arrived.target == "/api/v1/namespaces/team/services/svc:http/proxy/v1/chat/completions"
    assert set(arrived.headers) <= {
        "host", "accept-encoding", "content-length", "content-type", "accept", "user-agent", "authorization",
    }  # fmt: skip
    assert arrived.headers["host"] in odd.server
    assert arrived.headers["authorization"] == "Bearer canary-token"
    assert arrived.headers["accept"] == "text/event-stream"


def test_only_known_headers_come_back_and_no_redirect_is_followed(odd: OddServer, client: Kubernetes) -> None:
    odd.answer = lambda request: request.answer(
        b"moved", status=302, Location="http://169.254.169.254/", Set_Cookie="a=b", X_Served_By="pod-1"
    )
    with ask(client) as answer:
        assert (answer.status, answer.read()) == (302, b"moved")
        assert answer.headers == {"content-type": "application/json", "x-served-by": "pod-1"}
    assert len(odd.requests) == 1


def test_an_answer_streams(odd: OddServer, client: Kubernetes) -> None:
    go_on = threading.Event()

    def answer(request: Request) -> None:
        request.begin(kind="text/event-stream")
        request.chunk(b"data: 1\n\n")
        assert go_on.wait(15)
        request.chunk(b"data: 2\n\n")
        request.end()

    odd.answer = answer
    with ask(client) as response:
        pieces = response.iter_bytes()
        assert next(pieces) == b"data: 1\n\n"
        go_on.set()
        assert list(pieces) == [b"data: 2\n\n"]


@pytest.mark.parametrize("from_thread", [False, True])
def test_hanging_up_frees_the_server_behind_at_once(
    odd: OddServer, client: Kubernetes, from_thread: bool
) -> None:
    ended = threading.Event()
    odd.answer = stalls(b"data: 1\n\n", ended=ended)
    response = ask(client)
    pieces = response.iter_bytes()
    next(pieces)
    if from_thread:
        reader = threading.Thread(target=lambda: list(pieces))
        reader.start()
        response.close()
        reader.join(10)
        assert not reader.is_alive()
    else:
        response.close()
    assert ended.wait(10) and response.closed


def test_leaving_the_loop_hangs_up(odd: OddServer, client: Kubernetes) -> None:
    ended = threading.Event()
    odd.answer = stalls(b"data: 1\n\n", ended=ended)
    for _ in ask(client).iter_bytes():
        break
    assert ended.wait(10)


def test_the_size_is_capped(odd: OddServer, client: Kubernetes) -> None:
    odd.answer = sends(*[b"x" * 1000] * 20)
    with pytest.raises(TooLarge):
        ask(client, max_bytes=5000).read()
    with pytest.raises(TooLarge):
        ask(client, method="POST", body=b"x" * (17 * 1024 * 1024))
    assert len(odd.requests) == 1


def test_the_first_byte_silence_and_the_whole_have_limits(odd: OddServer, client: Kubernetes) -> None:
    odd.answer = lambda request: time.sleep(20)
    with pytest.raises(TimedOut):
        ask(client, first_byte=0.3)
    odd.answer = stalls(b"x", ended=threading.Event())
    with pytest.raises(TimedOut):
        ask(client, first_byte=0.3).read()
    odd.answer = sends(*[b"x"] * 200, pause=0.05)
    started = time.monotonic()
    with pytest.raises(TimedOut):
        ask(client, timeout=0.6, first_byte=5).read()
    assert time.monotonic() - started < 8


def test_the_clusters_refusal_is_told_from_the_servers_answer(odd: OddServer, client: Kubernetes) -> None:
    status = (
        b'{"kind":"Status","code":%d,"message":"no endpoints available for service","details":{"name":"svc"}}'
    )
    odd.answer = lambda request: request.answer(status % 503, status=503)
    with pytest.raises(Unreachable, match="no endpoints"):
        ask(client)
    odd.answer = lambda request: request.answer(status % 404, status=404)
    with pytest.raises(NotFound):
        ask(client)
    odd.answer = lambda request: request.answer(b'{"object":"error","code":404}', status=404)
    with ask(client) as answer:
        assert (answer.status, answer.read()) == (404, b'{"object":"error","code":404}')


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": "../pods"},
        {"path": "%2e%2e/x"},
        {"path": "//evil"},
        {"name": "svc:8080"},
        {"name": "https:svc"},
        {"name": "a/../b"},
        {"name": ""},
        {"namespace": "kube/system"},
        {"namespace": ".."},
        {"namespace": ""},
        {"port": 0},
        {"port": 70000},
        {"port": "80/x"},
        {"port": "http:"},
        {"kind": "nodes"},
        {"method": "DELETE"},
        {"method": "CONNECT"},
        {"method": "GET\r\nX: y"},
        {"headers": {"Accept": "a\r\nX-Evil: 1"}},
    ],
)
@pytest.mark.parametrize("kind", ["services", "pods"])
def test_tricks_never_leave_the_house(
    odd: OddServer, client: Kubernetes, wrong: dict[str, Any], kind: Any
) -> None:
    call: dict[str, Any] = {
        "kind": kind,
        "name": "svc",
        "port": 80,
        "path": "x",
        "namespace": "team",
        **wrong,
    }
    with pytest.raises(Invalid):
        client.proxy(**call)
    assert not odd.requests


def test_a_query_is_quoted(odd: OddServer, client: Kubernetes) -> None:
    ask(client, query=[("a", "b&c=d"), ("e", "#/../?")]).close()
    assert odd.requests[0].target.endswith("/proxy/v1/models?a=b%26c%3Dd&e=%23%2F..%2F%3F")
