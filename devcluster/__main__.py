"""Starts the development cluster: certificates, tokens, the living world, and the API server over HTTPS."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import uvicorn
import uvloop

from devcluster import kubeconfig, rbac, tls
from devcluster.api.app import Api
from devcluster.auth import Tokens, User, administrator, service_account
from devcluster.options import Options, parse
from devcluster.store import Store
from devcluster.world import World

PORTAL = ("hyperpod-portal", "hyperpod-portal")
KEEP_ALIVE = 75  # seconds; longer than clients keep idle connections, so that they close first


def main() -> int:
    options = parse()
    options.dir.mkdir(parents=True, exist_ok=True)
    return uvloop.run(serve(options))


async def serve(options: Options) -> int:
    """Until SIGTERM or SIGINT; 0 when that was asked for."""
    store = Store()
    world = World(store, options)
    rbac.bootstrap(world.registry)
    world.seed()
    listener = _listen(options)
    address = f"https://{options.host}:{listener.getsockname()[1]}"
    api = Api(world.registry, world, _tokens(options))
    api.address = address.removeprefix("https://")
    certificates = tls.issue(options.dir, options.host)
    _write_kubeconfigs(options, api.tokens, address, certificates.ca)
    server = _server(api, certificates)
    living = asyncio.create_task(world.run())
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await _until_started(server, serving)
    _announce(options, address)
    try:
        await _until_stopped(server, living, serving)
    finally:
        (options.dir / "ready").unlink(missing_ok=True)
        living.cancel()
    return _ending(living, serving)


def _listen(options: Options) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in options.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((options.host, options.port))
    return listener


def _tokens(options: Options) -> Tokens:
    portal = service_account(*PORTAL)
    tokens = Tokens(aws_user=portal)
    tokens.add(secrets.token_urlsafe(32), administrator())
    tokens.add(secrets.token_urlsafe(32), portal)
    if options.tokens is not None:
        _add_users(tokens, options.tokens)
    return tokens


def _add_users(tokens: Tokens, path: Path) -> None:
    """Lines of `token,user,uid,"group,group"`, the form of kube-apiserver's --token-auth-file."""
    for row in csv.reader(path.read_text().splitlines()):
        if len(row) >= 2:
            groups = tuple(group for group in (row[3].split(",") if len(row) > 3 else ()) if group)
            tokens.add(row[0], User(row[1], (*groups, "system:authenticated")))


def _write_kubeconfigs(options: Options, tokens: Tokens, server: str, ca: str) -> None:
    files = {"kubeconfig": administrator().name, "portal.kubeconfig": service_account(*PORTAL).name}
    for name, user in files.items():
        token = tokens.token_of(user)
        kubeconfig.write(options.dir / name, server=server, ca=ca, user=user, token=token)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: it would wait for open watches; we end everything at once."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(api: Api, certificates: tls.Certificates) -> uvicorn.Server:
    config = uvicorn.Config(
        api,
        lifespan="off",
        log_level="critical",
        access_log=False,
        http="httptools",
        ws="none",
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=0,
        ssl_certfile=str(certificates.certificate_file),
        ssl_keyfile=str(certificates.key_file),
        server_header=False,
    )
    return _Server(config)


async def _until_started(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)


def _announce(options: Options, address: str) -> None:
    """The ready file appears whole, once the server answers."""
    body = {"server": address, "pid": os.getpid(), "dir": str(options.dir)}
    partial = options.dir / "ready.partial"
    partial.write_bytes(orjson.dumps(body))
    partial.replace(options.dir / "ready")
    if not options.quiet:
        sys.stdout.write(f"devcluster: {address} (KUBECONFIG={options.dir / 'kubeconfig'})\n")
        sys.stdout.flush()


async def _until_stopped(
    server: uvicorn.Server, living: asyncio.Task[None], serving: asyncio.Task[None]
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({stopping, living, serving}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = server.force_exit = True
    await asyncio.wait({serving}, timeout=2)


def _ending(living: asyncio.Task[None], serving: asyncio.Task[None]) -> int:
    """1 with the traceback when the world or the server ended by itself."""
    for task in (living, serving):
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            raise error
    return 0


if __name__ == "__main__":
    sys.exit(main())
