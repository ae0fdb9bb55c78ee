"""Paths, services and payloads that try to lead elsewhere, and requests that must simply work."""

import asyncio
from typing import Any

from tests.inference.calling import CALLS, MODEL, NAME, Web

pytestmark = CALLS
REFUSED = {400, 404, 405, 422}
UP = ["..", "%2e%2e", ".%2e", "%2e.", "%252e%252e", "%25252e%25252e", "..;", "..;a=b", "%2e%2e%3b", "..%20"]
UP += ["...", ".", "%2e", "..%09", "%c0%ae%c0%ae", "%e0%80%ae", "..%00", "%00..", "%ff", "..%0a"]
GOALS = ["/api/v1/secrets", "%2fapi%2fv1%2fsecrets", "%5capi%5cv1%5csecrets", "%252fapi"]
CLIMBS = [f"v1/{up}{goal}" for up in UP[:10] for goal in GOALS] + [f"{up}/x" for up in UP]
PATHS = [
    *CLIMBS,
    "../../../../../../api/v1/namespaces/kube-system/secrets",
    "/169.254.169.254/latest/meta-data",
    "%2f%2f169.254.169.254/latest/meta-data",
    "%5c%5c169.254.169.254/x",
    "http://169.254.169.254/latest/meta-data",
    "http:%2f%2f169.254.169.254",
    "https%3a%2f%2fevil.example",
    "HtTp:evil.example",
    "file:///etc/passwd",
    "v1//models",
    "v1/models//",
    "v1/models%0d%0aHost:%20evil",
    "v1/models%0aX-Evil:%201",
    "v1/models%00.json",
    "v1/models%3fx=1%23%0d",
    "v1/%e2%80%ae",
    "v1/%c2%85",
    "v1/models%7f",
    "a" * 2100,
]
PLACES = [
    "kube-system/served",
    "{namespace}/kubernetes",
    "default/kubernetes",
    "{namespace}/served:8001",
    "{namespace}/https:served:443",
    "{namespace}/served%3a8001",
    "{namespace}/served%2f..",
    "{namespace}/..",
    "..%2f..%2fnodes/served",
    "{namespace}/SERVED",
    "{namespace}/served%00",
    "{namespace}/127.0.0.1",
    "{namespace}/169.254.169.254",
    "{namespace}/served%20",
    "{namespace}/localhost",
    "../served",
]


def targets(web: Web) -> list[str]:
    """Every trick as the rest of a request's first line, at the page's and at the API's address."""
    slug, namespace = web.place.cluster.slug, web.place.namespace
    own = [f"{namespace}/{NAME}/proxy/{path}" for path in PATHS]
    others = [f"{place.format(namespace=namespace)}/proxy/v1/models" for place in PLACES]
    return [f"{root}c/{slug}/services/{rest}" for root in ("/", "/api/") for rest in own + others]


async def answer(web: Web, target: str) -> str:
    """What comes back for a first line that no client would send so."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(web.address.rsplit(":", 1)[1]))
    cookies = "; ".join(f"{name}={value}" for name, value in web.cookies.items())
    lines = f"GET {target} HTTP/1.1", "Host: 127.0.0.1", f"Cookie: {cookies}", "Connection: close", "", ""
    writer.write("\r\n".join(lines).encode())
    text = (await reader.read()).decode(errors="replace")
    writer.close()
    return text


def reached(text: str) -> bool:
    """Whether the answer came from a model, or from anywhere but the portal's own refusals."""
    return "x-served-by" in text.lower() or int(text.split()[1]) not in REFUSED


async def test_tricks_with_paths_and_names_are_refused(web: Web) -> None:
    tried = targets(web)
    through = [target for target in tried if reached(await answer(web, target))]
    print(
        f"tricks: {len(tried) - len(through)} of {len(tried)} refused, {len(PATHS) + len(PLACES)} different"
    )
    assert len(PATHS) + len(PLACES) >= 80
    assert through == []


async def test_the_check_would_see_a_trick_that_works(web: Web) -> None:
    slug, namespace = web.place.cluster.slug, web.place.namespace
    assert reached(await answer(web, f"/c/{slug}/services/{namespace}/{NAME}/proxy/v1/models"))


TALK = [{"role": "user", "content": "Hello"}]
CHAT = {"model": MODEL, "messages": TALK, "max_tokens": 2}
TEXT = {"model": MODEL, "prompt": "Once", "max_tokens": 2}
LEGITIMATE: list[tuple[str, str, Any]] = [
    ("GET", "health", None),
    ("GET", "metrics", None),
    ("GET", "v1/models", None),
    ("GET", "v1/models?words=a%20b+c", None),
    ("GET", "v1/models?limit=3", None),
    ("GET", "v1/models?a=1&a=2&empty=", None),
    ("GET", "v1/models?q=%2e%2e%2f&u=http://x/", None),
    ("GET", "v1/models?name=%C3%A9t%C3%A9", None),
    ("GET", "v1/%6dodels", None),
    ("POST", "v1/chat/completions", CHAT),
    ("POST", "v1/chat/completions", CHAT | {"stream": True}),
    ("POST", "v1/chat/completions", CHAT | {"stream": True, "stream_options": {"include_usage": True}}),
    ("POST", "v1/chat/completions", CHAT | {"temperature": 0.7, "top_p": 0.9}),
    ("POST", "v1/chat/completions", CHAT | {"messages": [{"role": "system", "content": "Be short."}, *TALK]}),
    (
        "POST",
        "v1/chat/completions",
        CHAT | {"messages": [{"role": "user", "content": "../../ http://x/ %00"}]},
    ),
    ("POST", "v1/chat/completions", CHAT | {"messages": [{"role": "user", "content": "日本語 🚀 \u202e"}]}),
    ("POST", "v1/chat/completions", CHAT | {"messages": [{"role": "user", "content": "x" * 100_000}]}),
    ("POST", "v1/chat/completions?trace=1", CHAT),
    ("POST", "v1/completions", TEXT),
    ("POST", "v1/completions", TEXT | {"stream": True}),
    ("POST", "v1/embeddings", {"model": MODEL, "input": "The quick brown fox"}),
    ("POST", "v1/embeddings", {"model": MODEL, "input": ["one", "two"]}),
]


async def test_what_is_legitimate_passes(web: Web) -> None:
    async with web.program() as client:
        answers = [
            await client.request(method, web.api(path), json=body) for method, path, body in LEGITIMATE
        ]
    wrong = [
        (case[:2], answer.text[:200])
        for case, answer in zip(LEGITIMATE, answers, strict=True)
        if answer.status_code != 200 or not answer.headers.get("X-Served-By")
    ]
    print(f"legitimate: {len(LEGITIMATE) - len(wrong)} of {len(LEGITIMATE)} passed")
    assert len(LEGITIMATE) >= 20
    assert wrong == []
