"""Telling open pages that a person may now do more, less or nothing: a topic per person."""

from typing import Any

from django.contrib.auth.signals import user_logged_out

from apps.accounts.access import on_access_changed
from apps.live import topics
from apps.live.publish import publish


def connect() -> None:
    """Listen to changed grants, flags and passwords, and to log-outs. Called once, when Django is ready."""
    on_access_changed(tell)
    user_logged_out.connect(_logged_out, dispatch_uid="live-logged-out")


def tell(user_pk: int) -> None:
    """Have the person's sockets look again at who they are and what they may."""
    publish(topics.access(user_pk))


def _logged_out(sender: Any, user: Any = None, **_kwargs: Any) -> None:
    if user is not None:
        tell(user.pk)
