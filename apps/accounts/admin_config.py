"""Django's admin app with the portal's door; in INSTALLED_APPS in the place of "django.contrib.admin".

Apart from apps.py, where Django would have to choose between two configurations.
"""

from django.contrib.admin.apps import AdminConfig


class PortalAdminConfig(AdminConfig):
    """See `PortalAdminSite`."""

    default_site = "apps.accounts.admin_site.PortalAdminSite"
