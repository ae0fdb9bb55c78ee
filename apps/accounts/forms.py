"""Forms of the login and the profile page."""

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User

LIVES = [(7, _("7 days")), (30, _("30 days")), (90, _("90 days")), (365, _("one year"))]


class LoginForm(AuthenticationForm):
    """Django's, which only asks the browser to keep names short: longer ones break the throttle's table."""

    def clean_username(self) -> str:
        """The name, or the same words as for a wrong password."""
        name: str = self.cleaned_data["username"]
        if len(name) > (User._meta.get_field("username").max_length or 0):
            raise self.get_invalid_login_error()
        return name


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(
        label=_("What is it for?"),
        max_length=80,
        widget=forms.TextInput(attrs={"placeholder": _("nightly deploy")}),
    )
    days = forms.TypedChoiceField(label=_("Works for"), choices=LIVES, coerce=int, initial=30)
