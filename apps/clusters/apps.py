"""Clusters."""

from django.apps import AppConfig


class ClustersConfig(AppConfig):
    """Which clusters there are, how to reach them, what their nodes offer."""

    name = "apps.clusters"
    label = "clusters"

    def ready(self) -> None:
        """Import what registers itself."""
        from apps.clusters import actions  # noqa: F401  registers its actions and permissions
