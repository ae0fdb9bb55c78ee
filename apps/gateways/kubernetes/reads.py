"""Reading from a cluster: one object, lists, chunked pages, watches and logs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from apps.gateways.decode import list_meta
from apps.gateways.kubernetes import failures
from apps.gateways.kubernetes.resources import Resource, resource
from apps.gateways.kubernetes.streams import Lines, Stream, Watch
from apps.gateways.kubernetes.transport import MAX_BODY, Query, Transport, decode

WATCH_SILENCE = 90.0
LOG_SILENCE = 24 * 3600.0


class Reads:
    """The verbs that change nothing. `resource` is a plural word: "pods", "deployments", ..."""

    transport: Transport

    def version(self) -> dict[str, Any]:
        """`/version`: `major`, `minor`, `gitVersion`, ..."""
        return dict(decode(self.transport.request("GET", "/version")))

    def get(self, resource: str, name: str, *, namespace: str = "") -> dict[str, Any]:
        """One object as it is now. Without a namespace: the connection's. Raises NotFound."""
        return dict(decode(self.transport.request("GET", self._path(resource, namespace, name))))

    def list(
        self, resource: str, *, namespace: str = "", label_selector: str = "", field_selector: str = ""
    ) -> list[dict[str, Any]]:
        """All objects (no namespace: of all namespaces), each with its `kind` and `apiVersion`."""
        found: list[dict[str, Any]] = []
        for page in self.pages(
            resource, namespace=namespace, label_selector=label_selector, field_selector=field_selector
        ):
            found += _with_kind(decode(page), _resource(resource))
        return found

    def pages(
        self,
        resource: str,
        *,
        limit: int = 500,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
    ) -> Iterator[bytes]:
        """Raw LIST bodies of at most `limit` objects, all of one revision: see `decode.decode_list`.

        Raises Gone when the server forgot the revision between two pages: begin again.
        """
        path = _resource(resource).path(namespace)
        query = [("limit", str(limit))]
        query += [("labelSelector", label_selector)] if label_selector else []
        query += [("fieldSelector", field_selector)] if field_selector else []
        going_on = ""
        while True:
            page = query + ([("continue", going_on)] if going_on else [])
            body = self.transport.request("GET", path, query=page)
            going_on = list_meta(body).continue_
            yield body
            if not going_on:
                return

    def watch(
        self,
        resource: str,
        *,
        resource_version: str,
        timeout: int = 300,
        namespace: str = "",
        silence: float = WATCH_SILENCE,
    ) -> Watch:
        """Raw JSON lines of what changes after `resource_version`, with bookmarks.

        The server ends it after `timeout` seconds. Servers send a bookmark about every minute, so `silence`
        seconds without a byte mean a dead connection (TimedOut). Raises Gone; close it from any thread.
        """
        query = [
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", resource_version),
            ("timeoutSeconds", str(timeout)),
        ]
        return Watch(self._stream(_resource(resource).path(namespace), query, silence))

    def logs(
        self,
        name: str,
        *,
        namespace: str,
        container: str = "",
        follow: bool = False,
        tail: int | None = None,
        previous: bool = False,
        since: int | datetime | None = None,
        timestamps: bool = False,
    ) -> Lines:
        """Lines of a container's log, without newlines.

        `since` is seconds back or a moment; `timestamps` puts an RFC 3339 time and a blank before each line.
        Raises Invalid for an unknown container, NotFound for an unknown pod. With `follow` it waits for more:
        close it from any thread.
        """
        query = [("container", container)] if container else []
        query += [("follow", "true")] if follow else []
        query += [("tailLines", str(tail))] if tail is not None else []
        query += [("previous", "true")] if previous else []
        query += [("timestamps", "true")] if timestamps else []
        if isinstance(since, datetime):
            query.append(("sinceTime", since.astimezone(UTC).isoformat().replace("+00:00", "Z")))
        elif since is not None:
            query.append(("sinceSeconds", str(since)))
        path = self._path("pods", namespace, name, "log")
        return Lines(self._stream(path, query, LOG_SILENCE if follow else self.transport.timeout))

    def _stream(self, path: str, query: Query, silence: float) -> Stream:
        response = self.transport.stream("GET", path, query=query, first_byte=self.transport.timeout)
        if response.status >= 300:
            timeout = self.transport.timeout
            body = Stream(response, silence=timeout, total=timeout).read_all(MAX_BODY)
            raise failures.from_answer(response.status, response.headers, body)
        return Stream(response, silence=silence)

    def _path(self, plural: str, namespace: str, name: str, subresource: str = "") -> str:
        return _resource(plural).path(namespace or self.transport.connection.namespace, name, subresource)


def _resource(plural: str) -> Resource:
    return resource(plural)


def _with_kind(body: dict[str, Any], kind: Resource) -> list[dict[str, Any]]:
    """A list's items come without kind and apiVersion; a manifest needs both."""
    head = {"apiVersion": kind.api_version, "kind": kind.kind}
    return [{**head, **item} for item in body.get("items") or []]
