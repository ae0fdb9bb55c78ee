"""POST, PUT, PATCH and DELETE of objects: bodies read by the schemas, then handed to the registry."""

from __future__ import annotations

from typing import Any

from devcluster import patches
from devcluster.api.reads import encoded_list, select, send_object
from devcluster.api.request import Request
from devcluster.api.respond import accepted, send_bytes, send_json, success
from devcluster.decode import Decoder, load, parse
from devcluster.deletion import Options
from devcluster.errors import ApiError, BadRequest, Cause, Invalid, NotFound, UnsupportedMediaType
from devcluster.registry import Registry
from devcluster.resources import Resource
from devcluster.schema import META, Node, node, schema_of

Json = dict[str, Any]

BODY_TYPES = ("application/json", "application/yaml")
LISTED_TYPES = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCHES = ("application/apply-patch+yaml", "application/apply-patch+json")
VALIDATIONS = ("Ignore", "Warn", "Strict")
# Upstream returns the object itself, not a Status, when one of these is deleted.
RETURNED = frozenset(
    {"pods", "services", "persistentvolumeclaims", "persistentvolumes", "resourcequotas", "serviceaccounts"}
)


def check_options(request: Request, kind: str) -> None:
    """422 for a dryRun, fieldManager or fieldValidation that upstream would refuse."""
    causes = []
    dry_run = request.query.get("dryRun")
    if dry_run not in (None, "", "All"):
        text = f'Unsupported value: []string{{"{dry_run}"}}: supported values: "All"'
        causes.append(Cause("FieldValueNotSupported", text, "dryRun"))
    manager = request.query.get("fieldManager", "")
    if len(manager) > 128:
        text = "Too long: may not be more than 128 bytes"
        causes.append(Cause("FieldValueTooLong", text, "fieldManager"))
    validation = request.query.get("fieldValidation", "")
    if validation and validation not in VALIDATIONS:
        listed = ", ".join(f'"{item}"' for item in VALIDATIONS)
        causes.append(
            Cause(
                "FieldValueNotSupported",
                f'Unsupported value: "{validation}": supported values: {listed}',
                "fieldValidation",
            )
        )
    if causes:
        raise Invalid(kind, "", causes, "meta.k8s.io")


async def read_body(request: Request, kind: Resource) -> Json:
    """The body as a typed object of this kind."""
    if request.media_type and request.media_type not in BODY_TYPES:
        raise UnsupportedMediaType(LISTED_TYPES)
    value = parse(await request.body(), request.media_type, kind.kind)
    if not isinstance(value, dict):
        raise BadRequest(f"the object provided is unrecognized (must be of type {kind.kind})")
    _check_kind(value, kind)
    return typed(request, kind, schema_of(kind), value)


def _check_kind(value: Json, kind: Resource) -> None:
    given_kind, given_version = value.get("kind") or kind.kind, value.get("apiVersion") or kind.api_version
    if given_kind != kind.kind and given_version == kind.api_version:
        inside = "core" if not kind.group else kind.group
        why = f"converting ({kind.version}.{given_kind}) to ({inside}.{kind.kind}): unknown conversion"
        raise BadRequest(
            f'{given_kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {why}'
        )
    if given_version != kind.api_version or given_kind != kind.kind:
        why = (
            f"the API version in the data ({given_version}) does not match the expected API version "
            f"({kind.api_version})"
        )
        raise BadRequest(why)


def typed(request: Request, kind: Resource, shape: Node, value: Json) -> Json:
    """The value by its schema; unknown fields refused, warned of or dropped as fieldValidation says."""
    decoder = Decoder(f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}')
    clean = decoder.object(shape, value)
    unknown = [f'unknown field "{path}"' for path in decoder.unknown]
    validation = request.query.get("fieldValidation") or "Warn"
    if unknown and validation == "Strict":
        raise BadRequest(f"{decoder.what}: strict decoding error: {', '.join(unknown)}")
    if validation == "Warn":
        request.warnings += unknown
    clean.setdefault("metadata", {})
    return clean


def _placed(request: Request, kind: Resource, obj: Json) -> Json:
    """The object with the path's namespace; BadRequest when it names another."""
    metadata = dict(obj["metadata"])
    if not kind.namespaced:
        metadata.pop("namespace", None)
        return {**obj, "metadata": metadata}
    if metadata.get("namespace", request.namespace) != request.namespace:
        raise BadRequest(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    metadata["namespace"] = request.namespace
    return {**obj, "metadata": metadata}


def _named(request: Request, obj: Json) -> Json:
    """The object with the path's name; BadRequest when it names another."""
    given = obj["metadata"].get("name")
    if given and given != request.name:
        why = f"the name of the object ({given}) does not match the name on the URL ({request.name})"
        raise BadRequest(why)
    return {**obj, "metadata": {**obj["metadata"], "name": request.name}}


async def create(request: Request, registry: Registry, kind: Resource) -> None:
    """POST to a collection."""
    check_options(request, "CreateOptions")
    if kind.namespaced and not request.namespace:
        raise ApiError(
            405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {}
        )
    obj = _placed(request, kind, await read_body(request, kind))
    made = registry.create(kind, obj, manager=request.manager, dry_run=request.dry_run, user=request.user)
    await send_object(request, registry.store, kind, made, status=201)


async def update(request: Request, registry: Registry, kind: Resource) -> None:
    """PUT of an object or its status."""
    check_options(request, "UpdateOptions")
    obj = _named(request, _placed(request, kind, await read_body(request, kind)))
    stored = registry.update(
        kind,
        obj,
        manager=request.manager,
        subresource=request.subresource,
        dry_run=request.dry_run,
        user=request.user,
    )
    await send_object(request, registry.store, kind, stored)


async def patch(request: Request, registry: Registry, kind: Resource) -> None:
    """PATCH of an object or its status, in any of the four forms."""
    check_options(request, "PatchOptions")
    media = request.media_type
    if media in APPLY_PATCHES:
        await _apply(request, registry, kind)
        return
    body = await patch_body(request)
    current = registry.store.get(kind, request.namespace if kind.namespaced else "", request.name)
    shape = schema_of(kind)
    patched = patched_object(media, shape, current, body)
    obj = _named(request, _placed(request, kind, typed(request, kind, shape, patched)))
    stored = registry.update(
        kind,
        obj,
        manager=request.manager,
        subresource=request.subresource,
        dry_run=request.dry_run,
        patched=True,
        user=request.user,
    )
    await send_object(request, registry.store, kind, stored)


async def patch_body(request: Request) -> Any:
    """The patch document; 415 for a media type that is no patch."""
    if request.media_type not in (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH):
        raise UnsupportedMediaType()
    body = await request.body()
    try:
        return load(body, "application/json")
    except ValueError:
        raise BadRequest(
            f"error decoding patch: invalid character in {body[:100].decode('utf-8', 'replace')}"
        ) from None


def patched_object(media: str, shape: Node, current: Json, body: Any) -> Json:
    """The current object with the patch on it."""
    if media == JSON_PATCH:
        return patches.json_patch(current, body)
    if not isinstance(body, dict):
        raise BadRequest("json: cannot unmarshal array into Go value of type map[string]interface {}")
    if media == MERGE_PATCH:
        merged: Json = patches.merge_patch(current, body)
        return merged
    return patches.strategic_patch(shape, current, body)


async def _apply(request: Request, registry: Registry, kind: Resource) -> None:
    manager = request.query.get("fieldManager", "")
    if not manager:
        cause = Cause("FieldValueRequired", "Required value: is required for apply patch", "fieldManager")
        raise Invalid("PatchOptions", "", [cause], "meta.k8s.io")
    value = parse(await request.body(), "application/yaml", kind.kind)
    if not isinstance(value, dict):
        raise BadRequest("error decoding YAML: the applied configuration is no object")
    obj = _named(request, _placed(request, kind, _apply_typed(kind, request, value)))
    stored, created = registry.apply(
        kind,
        obj,
        manager=manager,
        force=request.flag("force"),
        dry_run=request.dry_run,
        subresource=request.subresource,
        user=request.user,
    )
    await send_object(request, registry.store, kind, stored, status=201 if created else 200)


def _apply_typed(kind: Resource, request: Request, value: Json) -> Json:
    """An applied configuration by its schema; it names its type, and unknown fields are an error (500)."""
    if not value.get("apiVersion") or not value.get("kind"):
        raise BadRequest("invalid object type: apiVersion and kind must be set in an applied configuration")
    _check_kind(value, kind)
    decoder = Decoder("failed to create typed patch object")
    clean = decoder.object(schema_of(kind), value)
    if decoder.unknown:
        where = f"{request.namespace}/{request.name}" if kind.namespaced else f"/{request.name}"
        listed = ", ".join(f".{path}: field not declared in schema" for path in decoder.unknown)
        what = (
            f"failed to create typed patch object ({where}; {kind.api_version}, Kind={kind.kind}): {listed}"
        )
        raise ApiError(500, "", what)
    if clean.setdefault("metadata", {}).get("managedFields"):
        raise BadRequest("metadata.managedFields must be nil")
    return clean


async def delete(request: Request, registry: Registry, kind: Resource) -> None:
    """DELETE of one object."""
    check_options(request, "DeleteOptions")
    options = await delete_options(request)
    namespace = request.namespace if kind.namespaced else ""
    gone = registry.delete_with(kind, namespace, request.name, options, user=request.user)
    if kind.key in RETURNED or not gone.removed:
        await send_object(request, registry.store, kind, gone.obj)
        return
    details = {
        "name": request.name,
        "group": kind.group,
        "kind": kind.plural,
        "uid": gone.obj["metadata"]["uid"],
    }
    await send_json(request, 200, success({key: value for key, value in details.items() if value}))


async def delete_options(request: Request) -> Options:
    """DeleteOptions from the body, where there is one, and the query."""
    body = await request.body()
    given: Json = {}
    if body.strip():
        shape = node(f"{META}.DeleteOptions")
        value = parse(body, request.media_type, "DeleteOptions")
        if not isinstance(value, dict):
            raise BadRequest("the object provided is unrecognized (must be of type DeleteOptions)")
        given = Decoder('DeleteOptions in version "v1" cannot be handled as a DeleteOptions').object(
            shape, value
        )
    demands = given.get("preconditions") or {}
    grace = request.integer("gracePeriodSeconds")
    return Options(
        uid=demands.get("uid", ""),
        resource_version=demands.get("resourceVersion", ""),
        grace=given.get("gracePeriodSeconds") if grace is None else grace,
        propagation=given.get("propagationPolicy") or request.query.get("propagationPolicy", ""),
        dry_run=request.dry_run or given.get("dryRun") == ["All"],
    )


async def delete_collection(request: Request, registry: Registry, kind: Resource) -> None:
    """DELETE of everything a selector names; answers with the list as it was."""
    check_options(request, "DeleteOptions")
    accepted(request.headers.get("accept", ""))
    options = await delete_options(request)
    found = await select(request, registry.store, kind)
    for record in found.records:
        metadata = record.obj["metadata"]
        try:
            registry.delete_with(
                kind, metadata.get("namespace", ""), metadata["name"], options, user=request.user
            )
        except NotFound:
            continue
    found.revision = registry.store.revision
    await send_bytes(request, 200, encoded_list(found))
