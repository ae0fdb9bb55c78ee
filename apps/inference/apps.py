"""Inference."""

from django.apps import AppConfig


class InferenceConfig(AppConfig):
    """Model deployments: deploying, scaling, removing and calling them. Knows nothing of businesses."""

    name = "apps.inference"
    label = "inference"

    def ready(self) -> None:
        """Import what registers itself."""
        from apps.inference import actions, app_status, permissions, removal  # noqa: F401  they register

        permissions.register()
