"""The registry: who sees which cluster, credentials that nobody reads, connections that follow the row."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.http import Http404
from django.test import Client

from apps.accounts.models import Grant, Role, User
from apps.audit.models import AuditEntry
from apps.clusters import selectors
from apps.clusters.actions import StillWatched, remove_cluster
from apps.clusters.connections import connect
from apps.clusters.models import Cluster
from tests.builders import make_user

ClientOf = Callable[[User], Client]
pytestmark = pytest.mark.django_db
TOKEN = "secret-token-of-the-cluster"
KUBECONFIG = f"""
apiVersion: v1
kind: Config
current-context: demo
clusters: [{{name: demo, cluster: {{server: "https://demo.example:6443"}}}}]
users: [{{name: portal, user: {{token: {TOKEN}}}}}]
contexts: [{{name: demo, context: {{cluster: demo, user: portal, namespace: models}}}}]
"""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG)
    return path


def register(path: Path, **more: str) -> Cluster:
    call_command("register_cluster", slug="demo", name="Demo", kubeconfig=path, **more)
    return Cluster.objects.get(slug="demo")


def test_the_command_registers_and_registers_again(kubeconfig: Path) -> None:
    first = register(kubeconfig)
    assert (first.server, first.default_namespace, str(first.token)) == (
        "https://demo.example:6443",
        "models",
        TOKEN,
    )
    assert register(kubeconfig).pk == first.pk
    assert AuditEntry.objects.filter(code="clusters.register", outcome="done").count() == 2


def test_the_token_is_stored_encrypted_and_said_nowhere(kubeconfig: Path) -> None:
    row = register(kubeconfig)
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM clusters_cluster WHERE id = %s", [row.pk])
        assert TOKEN not in cursor.fetchone()[0]
    assert TOKEN not in repr(row.token) + repr(row.connection())
    assert TOKEN not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("token: " + TOKEN, "exec: {command: sh}"), "runs a program"),
        (("https://demo.example:6443", "http://demo.example"), "https"),
        (("https://demo.example:6443", "https://169.254.169.254"), "metadata"),
        (("current-context: demo", "current-context: other"), "other"),
    ],
)
def test_a_kubeconfig_that_is_not_acceptable_is_refused_in_words(
    kubeconfig: Path, change: tuple[str, str], words: str
) -> None:
    kubeconfig.write_text(KUBECONFIG.replace(*change))
    with pytest.raises(CommandError, match=words):
        register(kubeconfig)
    assert not Cluster.objects.exists()


def test_a_slug_that_cannot_be_in_an_address_is_refused(kubeconfig: Path) -> None:
    with pytest.raises(CommandError, match="lower-case"):
        call_command("register_cluster", slug="../etc", kubeconfig=kubeconfig)


def test_a_changed_row_gets_a_new_connection(kubeconfig: Path) -> None:
    row = register(kubeconfig)
    before = connect(row.pk)
    assert connect(row.pk) is before
    row.token = "another-token"
    row.save()
    assert connect(row.pk) is not before
    assert connect(row.pk).kubernetes.connection.token == "another-token"


def test_people_see_the_clusters_of_their_grants_only(kubeconfig: Path, alice: User, charlie: User) -> None:
    register(kubeconfig)
    dora = make_user("dora")
    Grant.objects.create(user=dora, role=Role.VIEWER, cluster="other")
    assert [row.slug for row in selectors.clusters(alice)] == ["demo"]
    for stranger in (charlie, dora):
        assert selectors.clusters(stranger) == []
        with pytest.raises(Http404):
            selectors.cluster(stranger, "demo")


def test_the_admin_takes_a_kubeconfig_and_never_shows_it(client_of: ClientOf, root: User) -> None:
    client = client_of(root)
    form = {"slug": "demo", "name": "Demo", "default_namespace": "default", "active": "on"}
    refused = client.post("/admin/clusters/cluster/add/", {**form, "kubeconfig": "nonsense"})
    assert refused.status_code == 200 and b"not a kubeconfig" in refused.content
    added = client.post("/admin/clusters/cluster/add/", {**form, "kubeconfig": KUBECONFIG})
    assert added.status_code == 302
    row = Cluster.objects.get(slug="demo")
    shown = client.get(f"/admin/clusters/cluster/{row.pk}/change/").content.decode()
    assert TOKEN not in shown and "https://demo.example:6443" in shown
    client.post(f"/admin/clusters/cluster/{row.pk}/change/", {**form, "name": "Renamed"})
    row.refresh_from_db()
    assert (row.name, str(row.token)) == ("Renamed", TOKEN)
    assert list(
        AuditEntry.objects.filter(code__startswith="clusters.").values_list("code", flat=True).order_by("pk")
    ) == [
        "clusters.register",
        "clusters.change",
    ]


def test_removing_a_cluster_forgets_its_mirror(kubeconfig: Path, root: User) -> None:
    row = register(kubeconfig)
    with pytest.raises(StillWatched, match="Switch off"):
        remove_cluster(by=root, cluster=row)
    row.active = False
    remove_cluster(by=root, cluster=row)
    assert not Cluster.objects.exists()
    assert AuditEntry.objects.filter(code="clusters.remove", outcome="done").exists()
