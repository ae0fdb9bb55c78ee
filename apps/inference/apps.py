"""Inference."""

from django.apps import AppConfig


class InferenceConfig(AppConfig):
    """Model deployments: deploying, scaling, removing and calling them. Knows nothing of businesses."""

    name = "apps.inference"
    label = "inference"

    def ready(self) -> None:
        """Import what registers itself."""
        from apps.inference import actions, permissions  # noqa: F401  actions register themselves

        permissions.register()
