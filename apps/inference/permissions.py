"""What people may do with deployed models."""

from django.utils.translation import gettext_lazy as _

from apps.accounts import permissions
from apps.accounts.roles import Role

VIEW = "inference.view_deployment"
CHANGE = "inference.change_deployment"
CALL = "inference.call_service"


def register() -> None:
    """Called once when the app is ready."""
    permissions.register(VIEW, role=Role.VIEWER, label=_("See deployments, pods and services"))
    permissions.register(CHANGE, role=Role.OPERATOR, label=_("Deploy, scale and remove models"))
    permissions.register(CALL, role=Role.OPERATOR, label=_("Test models"))
