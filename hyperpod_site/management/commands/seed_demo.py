"""Fills an embedded stack with people, its cluster and a few living models; refuses any other cluster."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import Grant, Role, User
from apps.clusters.actions import register_cluster
from apps.clusters.models import Cluster
from apps.clusters.registry import prepare
from apps.gateways.connection import Connection, from_kubeconfig
from apps.gateways.errors import GatewayError
from apps.gateways.kubernetes import Kubernetes
from hyperpod_site.demo_workloads import POOL, deploy_all, lend

PASSWORD = "demo-password"  # noqa: S105 (shown on the terminal; the demo listens on loopback only)
PEOPLE = {"root": Role.ADMIN, "alice": Role.OPERATOR, "bob": Role.VIEWER}
SLUG = "demo"


class Command(BaseCommand):
    help = "Seed the embedded demo stack."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--kubeconfig", type=Path, required=True, help="the portal's own kubeconfig of the cluster"
        )
        parser.add_argument("--people", action="store_true", help="people and the cluster's entry")
        parser.add_argument("--migrate", action="store_true", help="bring the database up to date first")
        parser.add_argument(
            "--workloads",
            action="store_true",
            help="a pool and a standard model, in the embedded cluster only",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        connection = from_kubeconfig(options["kubeconfig"].read_text())
        if options["migrate"]:
            call_command("migrate", verbosity=0)
        if options["people"]:
            people()
            register(connection)
        if options["workloads"]:
            refuse_real_clusters(connection)
            workloads(by=User.objects.get(username="alice"), cluster=Cluster.objects.get(slug=SLUG))


def people() -> None:
    """The demo's three people, made once; a changed password stays changed."""
    for name, role in PEOPLE.items():
        user, created = User.objects.get_or_create(username=name)
        if created:
            user.is_staff = user.is_superuser = role is Role.ADMIN
            user.set_password(PASSWORD)
            user.save()
        Grant.objects.get_or_create(user=user, role=role)


def register(connection: Connection) -> None:
    """The cluster's entry, with the address and credentials of this start."""
    root = User.objects.get(username="root")
    register_cluster(
        by=root, cluster=prepare(slug=SLUG, name="Demo cluster"), connection=connection, reason="demo"
    )


def workloads(*, by: User, cluster: Cluster) -> None:
    """Models that run, and a pool of which a few pods are lent."""
    started = deploy_all(by=by, cluster=cluster)
    if POOL in started:
        lend(by=by, cluster=cluster, operation=started[POOL])


def refuse_real_clusters(connection: Connection) -> None:
    """Raise CommandError unless the API server says that it is the development cluster."""
    try:
        version = Kubernetes(connection).version().get("gitVersion", "")
    except GatewayError as error:
        raise CommandError(f"The cluster does not answer: {error}") from error
    if not version.endswith("-devcluster"):
        raise CommandError(
            f"{connection.server} is a real cluster ({version}); the demo goes to the embedded one only"
        )
