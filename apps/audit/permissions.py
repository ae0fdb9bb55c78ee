"""What may be done with the audit: look."""

from django.utils.translation import gettext_lazy as _

from apps.accounts.permissions import register
from apps.accounts.roles import Role

VIEW_ENTRY = register("audit.view_entry", role=Role.VIEWER, label=_("See the audit"))
