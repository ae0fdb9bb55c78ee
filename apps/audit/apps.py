"""Audit."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The audit, listening to accounts, which stand below it."""

    name = "apps.audit"
    label = "audit"

    def ready(self) -> None:
        """Every account event becomes an entry."""
        from apps.audit.accounts import listen

        listen()
