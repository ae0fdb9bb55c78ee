"""What people may do with pools."""

from django.utils.translation import gettext_lazy as _

from apps.accounts import permissions
from apps.accounts.models import Role

VIEW = permissions.register("pools.view_pool", role=Role.VIEWER, label=_("See pools")).code
ASSIGN = permissions.register("pools.assign_pod", role=Role.OPERATOR, label=_("Lend pods")).code
CHANGE_SERVICE = permissions.register(
    "pools.change_service", role=Role.OPERATOR, label=_("Create and delete business services")
).code
SCALE = permissions.register("pools.scale_pool", role=Role.OPERATOR, label=_("Scale pools")).code
SHARES = permissions.register(
    "pools.change_shares", role=Role.OPERATOR, label=_("Change shares of pools")
).code
GUARD = permissions.register(
    "pools.change_guard", role=Role.ADMIN, label=_("Put up and remove the guard of lent pods")
).code
ROLL_OUT = permissions.register(
    "pools.roll_out", role=Role.OPERATOR, label=_("Roll out new versions of pools")
).code
