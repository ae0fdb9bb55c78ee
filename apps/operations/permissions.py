"""What people may do with operations. Everyone sees those of their clusters; stopping others' work is for
admins.
"""

from django.utils.translation import gettext_lazy as _

from apps.accounts import permissions
from apps.accounts.roles import Role

VIEW = "operations.view_operation"
CANCEL = "operations.cancel_operation"
CANCEL_OTHERS = "operations.cancel_others"
RETRY = "operations.retry_operation"

permissions.register(VIEW, role=Role.VIEWER, label=_("See operations"))
permissions.register(CANCEL, role=Role.OPERATOR, label=_("Cancel own operations"))
permissions.register(CANCEL_OTHERS, role=Role.ADMIN, label=_("Cancel other people's operations"))
permissions.register(RETRY, role=Role.OPERATOR, label=_("Retry operations"))
