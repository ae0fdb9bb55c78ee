"""Pools."""

from django.apps import AppConfig


class PoolsConfig(AppConfig):
    """Lending pods: registers its actions, its runners' duties, its watcher hooks and its part of
    inference's pages.
    """

    name = "apps.pools"
    label = "pools"

    def ready(self) -> None:
        """Import what registers itself, and listen to the mirror."""
        from apps.pools import wiring

        wiring.connect()
