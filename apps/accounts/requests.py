"""The request behind the login, as views type it."""

from django.http import HttpRequest

from apps.accounts.models import User


class UserRequest(HttpRequest):
    """A request whose user is a person of ours: LoginRequiredMiddleware let it through."""

    user: User
