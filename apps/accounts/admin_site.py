"""The admin site behind the portal's own login: for active admins of everything."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from apps.accounts import permissions, policy
from apps.accounts.access import EVERY
from apps.accounts.policy import Refused
from apps.accounts.roles import Role
from apps.accounts.views import Logout

USE_ADMIN = permissions.register("accounts.use_admin", role=Role.ADMIN, label=_("Use the admin pages"))


class PortalAdminSite(AdminSite):
    """People, roles, clusters and records."""

    site_header = site_title = _("HyperPod Portal")
    index_title = _("Records")

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the person is an admin everywhere; asked anew on each request."""
        return policy.may(request.user, USE_ADMIN.code, cluster=EVERY, business=EVERY)

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The portal's login, which is throttled and audited; whoever is logged in already is refused in
        words.
        """
        if request.user.is_authenticated:
            raise Refused(USE_ADMIN)
        return redirect_to_login(request.GET.get("next", request.get_full_path()))

    def logout(  # type: ignore[override]  # the stubs know only Django's own page
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """The portal's, which is audited."""
        return Logout.as_view()(request)

    def password_change(  # type: ignore[override]  # as above
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The portal's, which is audited."""
        return redirect("accounts:password")
