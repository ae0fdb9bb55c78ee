"""Logging in and out, and the page about oneself."""

from math import ceil
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import actions, rates
from apps.accounts.forms import LoginForm, TokenForm
from apps.accounts.models import User
from apps.accounts.requests import UserRequest

LOGINS_PER_ADDRESS = "30/m"


@method_decorator(login_not_required, name="dispatch")
class LoginPage(auth.LoginView):
    """The only page for strangers. Throttled by axes (name and address) and by address alone."""

    template_name = "accounts/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As Django's, unless this address tries too often."""
        try:
            rates.spend("login", request.META.get("REMOTE_ADDR", ""), LOGINS_PER_ADDRESS)
        except rates.TooOften as error:
            return refuse_login(request, str(error), error.retry_after)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Logged in, and told."""
        response = super().form_valid(form)
        actions.note_login(form.get_user())
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Told, and shown again with 422."""
        locked = bool(getattr(self.request, "axes_locked_out", False))
        actions.note_failed_login(form.cleaned_data.get("username", ""), locked=locked)
        response = super().form_invalid(form)
        response.status_code = 422
        return response


def refuse_login(request: HttpRequest, words: str, retry_after: float) -> HttpResponse:
    """The login page with 429 and when to come back."""
    context = {"form": LoginForm(request), "refusal": words}
    response = render(request, "accounts/login.html", context, status=429)
    response["Retry-After"] = str(ceil(retry_after))
    return response


def locked_out(request: HttpRequest, _response: HttpResponse, _credentials: object) -> HttpResponse:
    """What axes answers while a name is locked for an address."""
    minutes = max(1, round(settings.AXES_COOLOFF_TIME * 60))
    words = ngettext(
        "Too many wrong passwords. Try again in %(minutes)s minute.",
        "Too many wrong passwords. Try again in %(minutes)s minutes.",
        minutes,
    )
    return refuse_login(request, words % {"minutes": minutes}, minutes * 60)


class Logout(auth.LogoutView):
    """POST only."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As Django's, and told."""
        person = request.user
        response = super().post(request, *args, **kwargs)
        actions.note_logout(cast("User", person))
        return response


class PasswordPage(auth.PasswordChangeView):
    """A new password: this session stays, all others end (their hash no longer fits)."""

    template_name = "accounts/password_change.html"
    success_url = reverse_lazy("accounts:profile")

    def form_valid(self, form: Any) -> HttpResponse:
        """The password and its entry are kept together."""
        with transaction.atomic():
            response = super().form_valid(form)
            actions.note_password(cast("User", self.request.user))
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        """Shown again with 422."""
        response = super().form_invalid(form)
        response.status_code = 422
        return response


@require_safe
def profile(request: UserRequest) -> HttpResponse:
    """Who I am here, and the tokens of my programs."""
    return render(request, "accounts/profile.html", profile_context(request.user, TokenForm()))


def profile_context(user: User, form: TokenForm) -> dict[str, Any]:
    """What the profile page shows."""
    return {"form": form, "grants": user.grants.all(), "tokens": user.api_tokens.filter(revoked_at=None)}


@require_POST
@never_cache
@sensitive_post_parameters()
def make_token(request: UserRequest) -> HttpResponse:
    """A new token: the answer to this very POST is the only place where its text ever stands."""
    form = TokenForm(request.POST)
    context: dict[str, Any] = {}
    if form.is_valid():
        try:
            token, text = actions.make_token(by=request.user, **form.cleaned_data)
            form, context = TokenForm(), {"new_token": token, "new_token_text": text}
        except ValidationError as error:
            form.add_error(None, error)
    context.update(profile_context(request.user, form))
    return render(request, "accounts/profile.html", context, status=200 if "new_token" in context else 422)


@require_POST
def revoke_token(request: UserRequest, pk: int) -> HttpResponse:
    """One of my tokens stops working."""
    token = get_object_or_404(request.user.api_tokens, pk=pk)
    actions.revoke_token(by=request.user, token=token)
    return redirect("accounts:profile")
