"""Live: the mirror of what the clusters say, and the pages that follow it without a reload."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class LiveConfig(AppConfig):
    """Finds every app's mirrored kinds and fragments, and listens to who lost access."""

    name = "apps.live"
    label = "live"

    def ready(self) -> None:
        """Import `kinds.py` and `fragments.py` of each app, which register what they hold."""
        from apps.live import access

        autodiscover_modules("kinds", "fragments")
        access.connect()
