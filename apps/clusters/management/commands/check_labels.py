"""`manage.py check_labels`: do code, templates and live objects agree on label keys?

After a key was changed in `apps/gateways/labels.py`: `manage.py check_labels --former business-tag` lists
what still uses the old key. Ends with 1 when it finds something.
"""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.clusters.connections import connect
from apps.clusters.label_check import Finding, check_cluster, check_templates
from apps.clusters.models import Cluster
from apps.gateways.errors import GatewayError


class Command(BaseCommand):
    help = "Compare label keys in code, templates and the objects of every active cluster."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--cluster SLUG` for one cluster, `--former KEY` (again and again) for keys of the past."""
        parser.add_argument("--cluster", default="", help="only this cluster")
        parser.add_argument("--former", action="append", default=[], metavar="KEY", help="a key used before")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print every finding, then how much was looked at."""
        found = check_templates()
        rows = Cluster.objects.filter(active=True)
        rows = rows.filter(slug=options["cluster"]) if options["cluster"] else rows
        for row in rows:
            found += self.of_cluster(row, options["former"])
        for finding in found:
            self.stdout.write(f"{finding.place}: {finding.words}")
        self.stdout.write(f"{len(found)} findings in templates and {len(rows)} clusters.")
        if found:
            sys.exit(1)

    def of_cluster(self, row: Cluster, former: list[str]) -> list[Finding]:
        """A cluster's findings; that it cannot be asked is one, too."""
        try:
            found = check_cluster(connect(row.pk).kubernetes, former)
        except GatewayError as error:
            return [Finding(row.slug, f"could not be asked: {error.message}")]
        return [Finding(f"{row.slug} {finding.place}", finding.words) for finding in found]
