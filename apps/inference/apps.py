"""Inference."""

from django.apps import AppConfig


class InferenceConfig(AppConfig):
    """Model deployments: deploying, scaling, removing and calling them. Knows nothing of businesses."""

    name = "apps.inference"
    label = "inference"

    def ready(self) -> None:
        """Import what registers itself, and listen to the mirror."""
        from apps.inference import (  # noqa: F401  they register themselves
            actions,
            app_status,
            permissions,
            removal,
            vanished,
        )
        from apps.live.kinds import on_change

        permissions.register()
        on_change(vanished.KIND, vanished.deployments_changed)
