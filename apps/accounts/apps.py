"""Accounts."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.module_loading import autodiscover_modules


class AccountsConfig(AppConfig):
    """People, roles, tokens."""

    name = "apps.accounts"
    label = "accounts"
    default = True

    def ready(self) -> None:
        """Each app's `permissions` and `actions` modules are imported, so that what they register is
        complete.
        """
        autodiscover_modules("permissions", "actions")


class PortalAdminConfig(AdminConfig):
    """Django's admin site, with our door."""

    default_site = "apps.accounts.admin_site.PortalAdminSite"
