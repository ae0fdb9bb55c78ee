"""Audit."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The audit, listening to accounts, which stand below it."""

    name = "apps.audit"
    label = "audit"

    def ready(self) -> None:
        """Every account event becomes an entry."""
        from apps.accounts.events import on_event
        from apps.audit.accounts import record

        on_event(record)
