"""Accounts."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class AccountsConfig(AppConfig):
    """People, roles, tokens."""

    name = "apps.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Each app's `permissions` and `actions` modules are imported, so that what they register is
        complete.
        """
        from apps.accounts import sessions

        sessions.connect()
        autodiscover_modules("permissions", "actions")
