"""Accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, roles, tokens."""

    name = "apps.accounts"
    label = "accounts"
