"""What a cluster says is text, on every page: markup, templates and shell words in whatever it can hold."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.entries import Draft, Target, write
from apps.audit.models import Outcome
from apps.gateways import labels
from apps.inference.models import ModelDeployment
from apps.operations.models import Operation, OperationLine
from tests.bad_input.answers import harmless
from tests.bad_input.hostile import MARKUP, SHELL, TEMPLATE, TEXTS
from tests.pools.world import Stage, World, assign, make_stage, world_on
from tests.processes import Devcluster

pytestmark = [pytest.mark.devcluster, pytest.mark.xdist_group("bad-pools")]
ClientOf = Callable[[User], Client]
QUERY = ("q", "sort", "page", "namespace", "app", "kind", "person", "target", "actor", "object", "next")
EVERYTHING = f'{MARKUP}{TEMPLATE}{SHELL}" onmouseover=alert(1) x="'


@pytest.fixture(scope="module")
def hostile_stage(devcluster: Devcluster) -> Iterator[Stage]:
    stage = make_stage(devcluster, replicas=2)
    yield stage
    stage.drop()


@pytest.fixture
def world(transactional_db: None, hostile_stage: Stage, alice: User) -> World:
    """A pool with hostile annotations and model id, and a hostile history, audit and log."""
    found = world_on(hostile_stage)
    name = found.names()[0]
    assign(found, alice, name, "production", reason=EVERYTHING)
    poison = {
        "metadata": {
            "annotations": {labels.MODEL_ID: EVERYTHING, "note": EVERYTHING, labels.ACTOR: EVERYTHING}
        }
    }
    found.outside.patch_merge("pods", name, poison, namespace=found.namespace)
    found.outside.patch_merge("deployments", found.pool, poison, namespace=found.namespace)
    found.mirror()
    for row in (operation_of(alice, found), record_of(found)):
        row.save()
    lines_of(Operation.objects.get())
    target = Target("pod", EVERYTHING[:200], cluster=found.cluster.slug)
    write(Draft(code="tests.some", target=target, after={"a": EVERYTHING}), Outcome.DONE, message=EVERYTHING)
    return found


def operation_of(alice: User, world: World) -> Operation:
    row = Operation(runner="tests.none", title=EVERYTHING[:100], queue="quick", actor_id=alice.pk)
    row.actor_name, row.reason, row.message = "alice", EVERYTHING, EVERYTHING
    row.target_kind, row.target_name, row.target_cluster = "pod", EVERYTHING[:100], world.cluster.slug
    row.status = "failed"
    return row


def lines_of(operation: Operation) -> None:
    texts = [text.encode("utf-8", "replace").decode().replace("\0", "") for text in TEXTS.values()]
    for seq, text in enumerate([EVERYTHING, *texts], 1):
        OperationLine.objects.create(operation=operation, seq=seq, at=timezone.now(), text=text, stream="log")
    Operation.objects.filter(pk=operation.pk).update(last_seq=len(texts) + 1)


def record_of(world: World) -> ModelDeployment:
    record = ModelDeployment(cluster=world.cluster, namespace=world.namespace, name=world.pool)
    record.kind, record.engine, record.port, record.gpus, record.replicas = "model-pool", "vllm", 8000, 1, 1
    record.model_id = record.command = EVERYTHING
    return record


def pages(world: World) -> Iterator[str]:
    slug, place = world.cluster.slug, f"{world.namespace}/{world.pool}"
    operation, record = Operation.objects.get().pk, ModelDeployment.objects.get().pk
    yield from (
        f"/c/{slug}/",
        f"/c/{slug}/nodes/",
        f"/c/{slug}/pods/",
        f"/c/{slug}/services/",
        f"/c/{slug}/pools/",
    )
    yield from (f"/c/{slug}/deployments/", f"/c/{slug}/deployments/{place}/", f"/c/{slug}/pools/{place}/")
    yield from (f"/c/{slug}/records/", f"/c/{slug}/records/{record}/", f"/c/{slug}/deploy/?record={record}")
    yield from ("/operations/", f"/operations/{operation}/", "/audit/", "/accounts/profile/")


def test_no_page_takes_it_for_more_than_text(
    world: World, client_of: ClientOf, alice: User, root: User
) -> None:
    shown = 0
    for client in (client_of(alice), client_of(root)):
        for path in pages(world):
            answer = client.get(path)
            harmless(answer, allowed=(200,))
            page = answer.content.decode()
            shown += MARKUP in unescape(page) and "&lt;script&gt;alert(1)" in page
            assert "49" not in re.findall(r"\d+(?=\{% debug)", unescape(page))
        for entry in re.findall(r'href="(/audit/\d+/)"', client.get("/audit/").content.decode()):
            harmless(client.get(entry), allowed=(200,))
    print(f"hostile text shown as text on {shown} pages")
    assert shown >= 10


def test_the_admins_pages_neither(world: World, client_of: ClientOf, root: User) -> None:
    client = client_of(root)
    index = client.get("/admin/").content.decode()
    for path in sorted(set(re.findall(r'href="(/admin/[a-z]+/[a-z]+/)"', index))):
        page = client.get(path)
        harmless(page, allowed=(200,))
        for inner in re.findall(rf'href="({path}\d+/change/)[^"]*"', page.content.decode())[:3]:
            harmless(client.get(inner), allowed=(200,))


def test_the_fragments_neither(world: World, client_of: ClientOf, alice: User) -> None:
    client, tried = client_of(alice), 0
    for path in pages(world):
        for token in re.findall(r'data-live="([^"]+)"', client.get(path).content.decode()):
            answer = client.get(f"/live/fragment/{token}/")
            if answer.status_code != 404:  # a log's stream has an address of its own
                harmless(answer, allowed=(200, 286))
                tried += 1
    assert tried >= 5


def test_the_api_and_the_log_file_carry_it_as_data(world: World, client_of: ClientOf, alice: User) -> None:
    client, pk = client_of(alice), Operation.objects.get().pk
    lines = client.get(f"/api/operations/{pk}/lines").json()["lines"]
    assert lines[0]["text"] == EVERYTHING
    log = client.get(f"/operations/{pk}/log/")
    kinds: dict[str, Any] = {"log": log["Content-Type"], "api": client.get("/api/pods")["Content-Type"]}
    assert kinds == {"log": "text/plain; charset=utf-8", "api": "application/json; charset=utf-8"}
    assert "attachment" in log["Content-Disposition"] and log["X-Content-Type-Options"] == "nosniff"
    history = client.get(f"/api/c/{world.cluster.slug}/pools/{world.namespace}/{world.pool}/history").json()
    assert history[0]["reason"] == EVERYTHING[: len(history[0]["reason"])]


def test_addresses_with_markup_are_not_echoed(world: World, client_of: ClientOf, alice: User) -> None:
    client, tried = client_of(alice), 0
    for path in pages(world):
        for name in (
            "q",
            "sort",
            "page",
            "namespace",
            "app",
            "kind",
            "person",
            "target",
            "actor",
            "object",
            "next",
        ):
            harmless(client.get(path, {name: EVERYTHING}), allowed=(200, 422))
            tried += 1
    assert tried > 100
