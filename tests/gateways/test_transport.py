"""Retries, deadlines and broken answers: a real client over TLS to a server that misbehaves."""

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.gateways.connection import Connection
from apps.gateways.errors import (
    Forbidden,
    GatewayError,
    NotFound,
    ServerError,
    TimedOut,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from apps.gateways.kubernetes import Kubernetes
from tests.gateways.odd_server import Answer, Authority, OddServer, Request, odd_server
from tests.processes import free_port

POD: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "n"}}


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[OddServer]:
    with odd_server(lambda request: request.answer(b"{}"), tmp_path) as running:
        yield running


def first_then(*answers: Answer) -> Answer:
    """Each request gets the next answer, the last one for ever."""
    left = list(answers)

    def answer(request: Request) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(request)

    return answer


def failing(status: int, **headers: str) -> Answer:
    return lambda request: request.answer(b"{}", status=status, **headers)


def fine(request: Request) -> None:
    request.answer(b'{"gitVersion": "v1"}')


def hang_up(request: Request) -> None:
    request.socket.close()
    raise OSError


def caught(call: Callable[[], object]) -> GatewayError:
    with pytest.raises(GatewayError) as error:
        call()
    return error.value


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_read_is_tried_again(odd: OddServer, status: int) -> None:
    odd.answer = first_then(failing(status), failing(status), fine)
    assert Kubernetes(odd.connection()).version() == {"gitVersion": "v1"}
    assert len(odd.requests) == 3


def test_a_read_is_tried_again_after_a_broken_connection(odd: OddServer) -> None:
    odd.answer = first_then(hang_up, fine)
    assert Kubernetes(odd.connection()).version() == {"gitVersion": "v1"}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422])
def test_a_read_that_is_refused_is_not_tried_again(odd: OddServer, status: int) -> None:
    odd.answer = failing(status)
    assert caught(lambda: Kubernetes(odd.connection()).get("pods", "a")).status == status
    assert len(odd.requests) == 1


def test_attempts_have_an_end(odd: OddServer) -> None:
    odd.answer = failing(500)
    assert isinstance(caught(Kubernetes(odd.connection()).version), ServerError)
    assert len(odd.requests) == 4


@pytest.mark.parametrize("answer", [failing(500), failing(503), failing(429), hang_up])
def test_a_write_is_sent_once(odd: OddServer, answer: Answer) -> None:
    odd.answer = answer
    assert caught(lambda: Kubernetes(odd.connection()).create(POD)).retryable
    assert len(odd.requests) == 1


def test_a_write_is_sent_again_when_the_server_promises_that_nothing_was_done(odd: OddServer) -> None:
    odd.answer = first_then(failing(429, Retry_After="0"), fine)
    assert Kubernetes(odd.connection()).create(POD) == {"gitVersion": "v1"}
    assert len(odd.requests) == 2


def test_a_wait_beyond_the_deadline_is_not_begun(odd: OddServer) -> None:
    odd.answer = failing(429, Retry_After="60")
    error = caught(Kubernetes(odd.connection(), timeout=5).version)
    assert isinstance(error, TooManyRequests) and error.retry_after == 60
    assert len(odd.requests) == 1


def test_it_says_when_a_write_may_have_been_done(odd: OddServer) -> None:
    odd.answer = hang_up
    client = Kubernetes(odd.connection())
    assert caught(lambda: client.create(POD)).maybe_done
    odd.answer = lambda request: time.sleep(30)
    assert caught(lambda: Kubernetes(odd.connection(), timeout=0.3).create(POD)).maybe_done
    nobody = Connection(f"https://127.0.0.1:{free_port()}", token="t")
    assert not caught(lambda: Kubernetes(nobody).create(POD)).maybe_done


def test_a_trickle_does_not_stretch_the_deadline(odd: OddServer) -> None:
    def trickle(request: Request) -> None:
        request.begin()
        for _ in range(600):
            request.chunk(b" ")
            time.sleep(0.05)

    odd.answer = trickle
    started = time.monotonic()
    assert isinstance(caught(Kubernetes(odd.connection(), timeout=0.5).version), TimedOut)
    assert time.monotonic() - started < 15


def test_silence_is_an_error_in_time(odd: OddServer) -> None:
    odd.answer = lambda request: time.sleep(30)
    error = caught(Kubernetes(odd.connection(), timeout=0.4).version)
    assert isinstance(error, TimedOut) and "0." in error.message


def test_a_body_cut_short_is_no_answer(odd: OddServer) -> None:
    def cut(request: Request) -> None:
        request.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        request.socket.close()
        raise OSError

    odd.answer = cut
    assert isinstance(caught(Kubernetes(odd.connection()).version), Unreachable)
    assert len(odd.requests) == 4


@pytest.mark.parametrize("body", [b"<html>Log in to the hotel</html>", b"", b"\xff\xfe"])
def test_something_that_is_no_api_server_is_named_so(odd: OddServer, body: bytes) -> None:
    odd.answer = lambda request: request.answer(body, Content_Type="text/html")
    assert "API server" in caught(Kubernetes(odd.connection()).version).message
    assert isinstance(caught(lambda: Kubernetes(odd.connection()).list("pods")), ServerError)


def test_redirects_are_not_followed(odd: OddServer, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with odd_server(fine, tmp_path / "other") as other:
        odd.answer = failing(302, Location=f"{other.server}/version")
        caught(Kubernetes(odd.connection()).version)
        assert len(odd.requests) >= 1 and not other.requests


def test_an_error_without_a_status_body_still_has_words(odd: OddServer) -> None:
    odd.answer = lambda request: request.answer(
        b"404 page not found\n", status=404, Content_Type="text/plain"
    )
    assert isinstance(caught(lambda: Kubernetes(odd.connection()).get("pods", "a")), NotFound)
    odd.answer = lambda request: request.answer(b"nope", status=403)
    assert "nope" in caught(lambda: Kubernetes(odd.connection()).get("pods", "a")).message


def test_the_token_shows_nowhere(odd: OddServer) -> None:
    client = Kubernetes(odd.connection())
    for answer in (failing(401), failing(500), hang_up, failing(403)):
        odd.answer = answer
        error = caught(lambda: client.create(POD))
        assert "canary" not in f"{error!r} {error} {error.details} {error.__cause__!r} {client.connection!r}"
    assert odd.requests[0].headers["authorization"] == "Bearer canary-token"
    odd.answer = failing(401)
    assert isinstance(caught(client.version), Unauthorized)


def test_a_server_of_another_authority_is_not_trusted(odd: OddServer) -> None:
    error = caught(Kubernetes(odd.connection(ca_data=Authority.make().pem), timeout=3).version)
    assert isinstance(error, Unreachable) and "certificate" in error.message and not error.retryable
    assert not odd.requests


def test_a_client_certificate_is_shown_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "keys"))
    with odd_server(fine, tmp_path, client_certificates=True) as odd:
        certificate, key = odd.authority.issue("portal")
        with_it = odd.connection(token="", client_certificate_data=certificate, client_key_data=key)
        assert Kubernetes(with_it).version() == {"gitVersion": "v1"}
        assert "authorization" not in odd.requests[0].headers
        assert isinstance(caught(Kubernetes(odd.connection(), timeout=3).version), Unreachable)
    assert not list((tmp_path / "keys").iterdir())


def test_a_proxy_of_the_environment_is_not_asked_for_loopback(
    odd: OddServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    assert Kubernetes(odd.connection()).version() == {}


def test_threads_share_one_client(odd: OddServer) -> None:
    odd.answer = lambda request: request.answer(
        b'{"metadata": {"name": "%s"}}' % request.target[-6:].encode()
    )
    client = Kubernetes(odd.connection())
    wrong: list[str] = []

    def ask(thread: int) -> None:
        for number in range(25):
            name = f"p{thread:02}{number:03}"
            if client.get("pods", name)["metadata"]["name"] != name:
                wrong.append(name)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(odd.requests) == 200 and not wrong


def test_a_forked_child_does_not_share_the_parents_connection(odd: OddServer) -> None:
    client = Kubernetes(odd.connection())
    client.version()
    child = os.fork()
    if child == 0:
        try:
            client.version()
            os._exit(0)
        except BaseException:  # noqa: BLE001 # a forked test must end here, whatever happens
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    client.version()
    first, second, third = (request.socket for request in odd.requests)
    assert first is third and first is not second


def test_a_quota_is_told_from_a_missing_right(odd: OddServer) -> None:
    words = 'pods "q" is forbidden: exceeded quota: gpus, requested: pods=1, used: pods=2, limited: pods=2'
    body = {"kind": "Status", "code": 403, "reason": "Forbidden", "message": words}
    odd.answer = lambda request: request.answer(json.dumps(body).encode(), status=403)
    error = caught(lambda: Kubernetes(odd.connection()).create(POD))
    assert isinstance(error, Forbidden) and "quota" in error.message and "gpus" in error.message
