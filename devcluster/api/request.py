"""One request taken apart as upstream's RequestInfo does: verb, resource, namespace, name, subresource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from devcluster.auth import ANONYMOUS, User
from devcluster.errors import ApiError, BadRequest
from devcluster.rbac import Attributes

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY_LIMIT = 3 * 1024 * 1024  # upstream's limit for a request body
TRUE = ("1", "true", "True", "TRUE", "t", "T", "")
NAMESPACE_SUBRESOURCES = ("status", "finalize")
METHOD_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass
class Request:
    """A request and what its path says. `resource` is empty for paths that name none."""

    method: str
    path: str
    raw_path: str
    query: dict[str, str]
    raw_query: bytes
    headers: dict[str, str]
    scope: Scope
    receive: Receive
    send: Send
    user: User = ANONYMOUS
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    rest: str = ""
    verb: str = ""
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, scope: Scope, receive: Receive, send: Send) -> Request:
        raw = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").split("?")[0]
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        request = cls(
            method=scope["method"],
            path=unquote(raw),
            raw_path=raw,
            query={name: values[0] for name, values in query.items()},
            raw_query=scope["query_string"],
            headers={
                key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]
            },
            scope=scope,
            receive=receive,
            send=send,
        )
        request._take_apart()
        request.verb = request._verb()
        return request

    def _take_apart(self) -> None:
        parts = [part for part in self.raw_path.split("/") if part]
        if parts[:1] == ["api"] and len(parts) >= 3:
            self.version, parts = parts[1], parts[2:]
        elif parts[:1] == ["apis"] and len(parts) >= 4:
            self.group, self.version, parts = parts[1], parts[2], parts[3:]
        else:
            return
        parts = [unquote(part) for part in parts]
        if parts[0] == "namespaces" and len(parts) > 1:
            self.namespace = parts[1]
            if len(parts) > 2 and parts[2] not in NAMESPACE_SUBRESOURCES:
                parts = parts[2:]
        self.resource = parts[0]
        self.name = parts[1] if len(parts) > 1 else ""
        self.subresource = parts[2] if len(parts) > 2 else ""
        self._keep_rest()

    def _keep_rest(self) -> None:
        """For proxies: the path behind `/proxy`, still quoted as the client sent it."""
        marker = "/proxy"
        if self.subresource == "proxy" and marker in self.raw_path:
            skipped = self.raw_path.index(f"/{self.resource}/")
            self.rest = self.raw_path[self.raw_path.index(marker, skipped) + len(marker) :]

    @property
    def watching(self) -> bool:
        return "watch" in self.query and self.query["watch"] in TRUE

    def _verb(self) -> str:
        """The RBAC verb."""
        if not self.resource:
            return self.method.lower()
        if self.method in ("GET", "HEAD"):
            if self.name and not self.watching:
                return "get"
            return "watch" if self.watching else "list"
        if self.method == "DELETE" and not self.name:
            return "deletecollection"
        if self.subresource == "proxy":
            return METHOD_VERBS.get(self.method, "get")
        return METHOD_VERBS.get(self.method, self.method.lower())

    @property
    def attributes(self) -> Attributes:
        """The question for RBAC."""
        if not self.resource:
            return Attributes(self.verb, path=self.path)
        name = self.name.rpartition(":")[0] or self.name if self.subresource == "proxy" else self.name
        return Attributes(self.verb, self.group, self.resource, self.subresource, self.namespace, name)

    def flag(self, name: str) -> bool:
        return name in self.query and self.query[name] in TRUE

    def integer(self, name: str) -> int | None:
        """A whole number from the query; BadRequest when it is something else."""
        text = self.query.get(name, "")
        if not text:
            return None
        try:
            return int(text)
        except ValueError:
            raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None

    @property
    def dry_run(self) -> bool:
        return self.query.get("dryRun") == "All"

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    @property
    def manager(self) -> str:
        """The field manager: as named, else the User-Agent up to its first slash, as upstream does."""
        named = self.query.get("fieldManager", "")
        return named or self.headers.get("user-agent", "").split("/")[0][:128] or "unknown"

    async def body(self) -> bytes:
        """The whole body; 413 beyond 3 MB."""
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                break
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > BODY_LIMIT:
                raise ApiError(
                    413, "RequestEntityTooLarge", f"Request entity too large: limit is {BODY_LIMIT}"
                )
            more = message.get("more_body", False)
        return b"".join(parts)
