"""Keeping the records of deployments: names that are taken, requests that were made, revisions."""

from typing import Any

from django.utils import timezone

from apps.audit import context
from apps.clusters.models import Cluster
from apps.inference import wishes
from apps.inference.models import ModelDeployment, Revision
from apps.inference.wishes import Wish
from apps.live import mirror


def by_request(cluster: Cluster, key: str) -> ModelDeployment | None:
    """What the acting person already began with this request key."""
    if not key:
        return None
    actor = context.current().actor_name
    return ModelDeployment.objects.filter(cluster=cluster, created_by=actor, request_key=key).first()


def taken_names(cluster_id: int, namespace: str) -> set[str]:
    """Names in the namespace that a new deployment or its Service would collide with."""
    known = ModelDeployment.objects.filter(cluster_id=cluster_id, namespace=namespace, removed_at=None)
    names = set(known.values_list("name", flat=True))
    for kind in ("deployments", "services"):
        names |= set(
            mirror.objects(cluster_id, kind).filter(namespace=namespace).values_list("name", flat=True)
        )
    return names


def manifests(wish: Wish, *, name: str, secret_name: str) -> list[dict[str, Any]]:
    """The manifests, in the name of whoever acts."""
    actor = context.current().actor_name
    return wishes.manifests_of(wish, name=name, actor=actor, secret_name=secret_name)


def create(
    cluster: Cluster, wish: Wish, *, name: str, secret_name: str, manifests: list[dict[str, Any]], key: str
) -> ModelDeployment:
    """Write the record and its first revision. Raises IntegrityError when name or request is taken."""
    actor = context.current().actor_name
    record = ModelDeployment.objects.create(
        cluster=cluster,
        namespace=wish.namespace,
        name=name,
        kind=wish.kind,
        engine=wish.command.engine,
        model_id=wish.command.model_id,
        command=wish.text,
        image=wish.image,
        port=wish.command.port,
        gpus=wish.gpus,
        replicas=wish.replicas,
        access=wish.access if wish.has_service else "none",
        secret_name=secret_name,
        request_key=key,
        created_by=actor,
    )
    Revision.objects.create(deployment=record, number=1, manifests=manifests, by=actor)
    return record


def described(record: ModelDeployment) -> dict[str, Any]:
    """A record for the audit."""
    return {
        "name": record.name,
        "type": record.kind,
        "engine": record.engine,
        "model": record.model_id,
        "command": record.command,
        "image": record.image,
        "replicas": record.replicas,
        "gpus_per_pod": record.gpus,
        "access": record.access,
    }


def revise(*, cluster_id: int, deployment: dict[str, Any], command: str, by: str) -> None:
    """A new version of a deployment runs: keep it as the record's next revision. `command`: as somebody wrote
    it, "" where it has not changed. Deployments without a record stay without one.
    """
    metadata, spec = deployment["metadata"], deployment["spec"]
    place = {"cluster_id": cluster_id, "namespace": metadata["namespace"], "name": metadata["name"]}
    record = ModelDeployment.objects.filter(**place, removed_at=None).first()
    if record is None:
        return
    record.image = spec["template"]["spec"]["containers"][0].get("image", record.image)
    record.command = command or record.command
    record.save(update_fields=["image", "command"])
    last = record.revisions.latest("number")
    changed = [with_template(item, spec["template"]) for item in last.manifests]
    Revision.objects.create(deployment=record, number=last.number + 1, manifests=changed, by=by)


def with_template(manifest: dict[str, Any], template: dict[str, Any]) -> dict[str, Any]:
    """A manifest with another pod template, if it has one."""
    if manifest.get("kind") != "Deployment":
        return manifest
    return {**manifest, "spec": {**manifest["spec"], "template": template}}


def forget(*, cluster_id: int, namespace: str, name: str) -> None:
    """The deployment is gone, or never came to be: its name is free again, its history stays."""
    ModelDeployment.objects.filter(
        cluster_id=cluster_id, namespace=namespace, name=name, removed_at=None
    ).update(removed_at=timezone.now())
