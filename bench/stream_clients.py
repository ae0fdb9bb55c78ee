"""Callers of a served model, in a process of their own: `python -m bench.stream_clients`, told what to do on
stdin.

First line: {"body": text, "routes": {name: {"host", "port", "path", "headers", "ca"}}}. Then each line is
{"route", "streams"}: so many streams at once; one line of JSON tells what came of them. The clock begins when
a request leaves on a connection that stands already, so nobody's handshake is measured.
"""

import asyncio
import json
import ssl
import sys
import time
from typing import Any

TOKEN = b'"delta":{"content":'
PATIENCE = 120.0


async def call(route: dict[str, Any], body: bytes, together: asyncio.Barrier) -> dict[str, Any]:
    """One stream: ms to its first token, tokens, tokens/s, and what was wrong with it ("" for nothing)."""
    reader, writer = await asyncio.open_connection(
        route["host"], route["port"], ssl=trusting(route["ca"]), limit=1 << 20
    )
    try:
        await together.wait()
        return await asyncio.wait_for(exchange(reader, writer, route, body), PATIENCE)
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        return {"error": repr(error)}
    finally:
        writer.close()


def trusting(authority: str) -> ssl.SSLContext | None:
    """TLS with this authority; None for plain HTTP."""
    return ssl.create_default_context(cadata=authority) if authority else None


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, route: dict[str, Any], body: bytes
) -> dict[str, Any]:
    """Ask and read to the end, counting tokens as they come."""
    headers = {**route["headers"], "Content-Type": "application/json", "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    begun = time.perf_counter()
    writer.write(f"POST {route['path']} HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode() + body)
    status = (await reader.readuntil(b"\r\n\r\n")).split(maxsplit=2)[1]
    tokens, first, last, tail = 0, 0.0, 0.0, b""
    while chunk := await reader.read(1 << 16):
        if found := chunk.count(TOKEN):
            last = time.perf_counter()
            first, tokens = first or last, tokens + found
        tail = (tail + chunk)[-400:]
    if status != b"200" or b"[DONE]" not in tail:
        return {"error": f"{status.decode()}: {tail.decode(errors='replace')}"}
    return {
        "error": "",
        "first": (first - begun) * 1000,
        "tokens": tokens,
        "rate": tokens / (last - begun),
    }


async def main() -> None:
    """Obey stdin."""
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    job = json.loads(await reader.readline())
    while line := (await reader.readline()).decode().strip():
        asked = json.loads(line)
        route, together = job["routes"][asked["route"]], asyncio.Barrier(asked["streams"])
        calls = [call(route, job["body"].encode(), together) for _number in range(asked["streams"])]
        print(json.dumps(await asyncio.gather(*calls)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
