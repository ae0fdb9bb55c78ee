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

from apps.accounts import policy
from apps.accounts.views import Logout


class PortalAdminSite(AdminSite):
    """People, roles, clusters and records."""

    site_header = site_title = _("HyperPod Portal")
    index_title = _("Records")

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the person is an admin everywhere; asked anew on each request."""
        return policy.is_admin(request.user)

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The portal's login, which is throttled and audited; whoever is logged in already is refused in
        words.
        """
        if request.user.is_authenticated:
            raise policy.Refused(policy.USE_ADMIN)
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
