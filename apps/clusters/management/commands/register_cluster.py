"""`manage.py register_cluster`: add a cluster from a kubeconfig file, or give a known one new credentials."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit.actions import SystemActor
from apps.clusters.actions import register_cluster
from apps.clusters.models import Cluster
from apps.clusters.registry import prepare
from apps.gateways.connection import from_kubeconfig
from apps.gateways.errors import GatewayError


class Command(BaseCommand):
    help = "Register a cluster from a kubeconfig file (token or client certificate data only)."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--slug`, `--name`, `--kubeconfig FILE`, `--context`, `--region`."""
        parser.add_argument("--slug", required=True, help="short name used in addresses")
        parser.add_argument("--name", default="", help="name for people")
        parser.add_argument("--kubeconfig", required=True, type=Path)
        parser.add_argument("--context", default="", help="default: the file's current context")
        parser.add_argument("--region", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, check, register. Raises CommandError in words."""
        try:
            connection = from_kubeconfig(options["kubeconfig"].read_text(), options["context"])
            row = prepare(slug=options["slug"], name=options["name"], region=options["region"])
            row.default_namespace = connection.namespace
            cluster: Cluster = register_cluster(
                by=SystemActor("command line"), cluster=row, connection=connection
            )
        except OSError as error:
            raise CommandError(f"Cannot read {options['kubeconfig']}: {error.strerror}") from error
        except GatewayError as error:
            raise CommandError(error.message) from error
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(f"{cluster.slug} -> {cluster.server}")
