"""Changing a cluster: create, apply, patch, scale, delete. Every write names the portal as field manager."""

from typing import Any, Final

from apps.gateways import labels
from apps.gateways.errors import Invalid
from apps.gateways.kubernetes.resources import of_manifest, resource
from apps.gateways.kubernetes.transport import Transport, decode

MANAGER: Final = ("fieldManager", labels.PORTAL)
JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
PROPAGATIONS: Final = ("Background", "Foreground", "Orphan")


class Writes:
    """The verbs that change something. After TimedOut or Unreachable with `maybe_done`: look first."""

    transport: Transport

    def create(self, manifest: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Create an object; unknown fields are refused. Raises AlreadyExists, Invalid, Forbidden (quota)."""
        path = of_manifest(manifest).path(self._namespace_of(manifest))
        query = _options(dry_run, ("fieldValidation", "Strict"))
        return self._send("POST", path, query, manifest, "application/json")

    def apply(
        self, manifest: dict[str, Any], *, force: bool = False, dry_run: bool = False
    ) -> dict[str, Any]:
        """Server-side apply: create it, or set what the manifest names and give up what it no longer names.

        Raises Conflict when another manager owns a field with another value, unless `force`.
        """
        name = _name_of(manifest)
        path = of_manifest(manifest).path(self._namespace_of(manifest), name)
        query = _options(dry_run, ("force", "true" if force else "false"), ("fieldValidation", "Strict"))
        return self._send("PATCH", path, query, manifest, APPLY_PATCH)

    def patch_json(
        self,
        resource: str,
        name: str,
        operations: list[dict[str, Any]],
        *,
        namespace: str = "",
        subresource: str = "",
    ) -> dict[str, Any]:
        """JSON patch (RFC 6902), whole or not at all.

        Raises PatchRefused (a Conflict) when a `test` fails or a path is missing: the server does not tell
        the two apart.
        """
        path = self._object_path(resource, name, namespace, subresource)
        return self._send("PATCH", path, _options(False), operations, JSON_PATCH)

    def patch_merge(
        self, resource: str, name: str, body: dict[str, Any], *, namespace: str = "", subresource: str = ""
    ) -> dict[str, Any]:
        """JSON merge patch (RFC 7386): None removes a key, lists are replaced whole."""
        path = self._object_path(resource, name, namespace, subresource)
        return self._send("PATCH", path, _options(False), body, MERGE_PATCH)

    def scale(
        self, resource: str, name: str, replicas: int, *, namespace: str, expected: int | None = None
    ) -> dict[str, Any]:
        """Set the number of replicas; returns the Scale.

        With `expected`, only if that is still the wanted number, else PatchRefused; then the object itself is
        patched and returned, because a Scale leaves out a zero, which no `test` finds. (Not by
        resourceVersion: every status update moves it.)
        """
        if expected is None:
            body = {"spec": {"replicas": replicas}}
            return self.patch_merge(resource, name, body, namespace=namespace, subresource="scale")
        operations: list[dict[str, Any]] = [
            {"op": "test", "path": "/spec/replicas", "value": expected},
            {"op": "replace", "path": "/spec/replicas", "value": replicas},
        ]
        return self.patch_json(resource, name, operations, namespace=namespace)

    def delete(
        self,
        resource: str,
        name: str,
        *,
        namespace: str = "",
        uid: str = "",
        propagation: str = "Background",
        grace: int | None = None,
    ) -> None:
        """Delete an object; with `uid` only that very one (else Conflict). Raises NotFound.

        `grace` is the pod's time to end in seconds. Finalizers and pods take their time: look until NotFound.
        """
        if propagation not in PROPAGATIONS:
            raise Invalid(f"“{propagation}” is no way to delete.")
        options: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
        }
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        self.transport.request("DELETE", self._object_path(resource, name, namespace), body=options)

    def can_i(self, verb: str, resource: str, *, namespace: str = "") -> bool:
        """Whether the portal's account has a right; `resource` may name a subresource ("pods/log")."""
        plural, _, subresource = resource.partition("/")
        kind = _resource(plural)
        wanted = {"verb": verb, "group": kind.group, "resource": plural, "namespace": namespace}
        if subresource:
            wanted["subresource"] = subresource
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": wanted},
        }
        answer = self._send("POST", of_manifest(review).path(), [], review, "application/json")
        return bool((answer.get("status") or {}).get("allowed"))

    def _send(
        self, method: str, path: str, query: list[tuple[str, str]], body: object, content_type: str
    ) -> dict[str, Any]:
        answer = self.transport.request(method, path, query=query, body=body, content_type=content_type)
        return dict(decode(answer))

    def _object_path(self, plural: str, name: str, namespace: str, subresource: str = "") -> str:
        return _resource(plural).path(namespace or self.transport.connection.namespace, name, subresource)

    def _namespace_of(self, manifest: dict[str, Any]) -> str:
        metadata = manifest.get("metadata") or {}
        return str(metadata.get("namespace") or self.transport.connection.namespace)


_resource = resource


def _name_of(manifest: dict[str, Any]) -> str:
    name = (manifest.get("metadata") or {}).get("name")
    if not isinstance(name, str) or not name:
        raise Invalid("The manifest has no name.")
    return name


def _options(dry_run: bool, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [MANAGER, *more, *([("dryRun", "All")] if dry_run else [])]
