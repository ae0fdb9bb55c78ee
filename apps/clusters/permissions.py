"""What people may do with clusters."""

from django.utils.translation import gettext_lazy as _

from apps.accounts import permissions
from apps.accounts.models import Role

VIEW = permissions.register("clusters.view_cluster", role=Role.VIEWER, label=_("See clusters and nodes")).code
CHANGE = permissions.register(
    "clusters.change_cluster", role=Role.ADMIN, label=_("Register and change clusters")
).code
