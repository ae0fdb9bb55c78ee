"""Small objects for the contract tests, that any cluster accepts."""

import uuid
from typing import Any

import msgspec

from apps.gateways import manifests
from apps.gateways.decode import list_meta
from tests.gateways.conftest import Cluster
from tests.gateways.test_manifests import POOL


class Meta(msgspec.Struct):
    name: str = ""
    resource_version: str = msgspec.field(default="", name="resourceVersion")
    labels: dict[str, str] | None = None


class Thing(msgspec.Struct):
    metadata: Meta = msgspec.field(default_factory=Meta)


def fresh(stem: str) -> str:
    return f"{stem}-{uuid.uuid4().hex[:8]}"


def deployment(cluster: Cluster, name: str, **more: Any) -> dict[str, Any]:
    """A Deployment without pods that any cluster accepts."""
    values = {**POOL, "name": name, "namespace": cluster.namespace, "replicas": 0, **more}
    return manifests.render("model_deployment", **values)[0]


def note(cluster: Cluster, name: str, **labels: str) -> dict[str, Any]:
    """A small object: a Service without pods."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": cluster.namespace, "labels": labels},
        "spec": {"selector": {"app": "nobody"}, "ports": [{"name": "http", "port": 80}]},
    }


def made(cluster: Cluster, stem: str = "web", **more: Any) -> str:
    name = fresh(stem)
    cluster.portal.create(deployment(cluster, name, **more))
    return name


def revision(cluster: Cluster, resource: str) -> str:
    return list_meta(next(cluster.portal.pages(resource, namespace=cluster.namespace))).resource_version


def other_manager(cluster: Cluster, manifest: dict[str, Any]) -> None:
    """Somebody else applies."""
    path = f"/apis/apps/v1/namespaces/{cluster.namespace}/deployments/{manifest['metadata']['name']}"
    query = [("fieldManager", "somebody"), ("force", "true")]
    kind = "application/apply-patch+yaml"
    cluster.admin.transport.request("PATCH", path, query=query, body=manifest, content_type=kind)
