"""The JSON API: canonical paths `/api/c/<cluster>/...` and the flat paths of the earlier panel's users."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern
from ninja import NinjaAPI

from apps.accounts.api_auth import authentication
from apps.clusters import api as clusters
from apps.inference import api as inference
from apps.inference import calls_api as calls
from apps.inference import objects_api as objects
from apps.operations import api as operations
from apps.pools import api as pools
from apps.pools.board import api as board
from apps.pools.distribution import api as distribution
from apps.pools.guard import api as guard
from apps.pools.history import api as history
from apps.pools.rollouts import api as rollouts
from apps.pools.shares import api as shares
from hyperpod_site.answers import speak_for
from hyperpod_site.reading import StrictParser

BEHIND_THE_LOGIN = {"api-root", "openapi-json", "openapi-view"}

api = NinjaAPI(
    title="HyperPod Portal",
    version="1",
    description="Session cookie with CSRF token, or `Authorization: Bearer <token>` from your profile page.",
    auth=authentication,
    parser=StrictParser(),
    urls_namespace="api",
)
api.add_router("/operations", operations.router)
api.add_router("/c/{cluster}", objects.router)
api.add_router("/c/{cluster}", board.router)
api.add_router("/c/{cluster}", guard.router)
api.add_router("/c/{cluster}", history.router)
api.add_router("/c/{cluster}", shares.router)
api.add_router("/c/{cluster}", rollouts.router)
for app in (clusters, inference, calls, pools, distribution):
    api.add_router("/c/{cluster}", app.router)
    api.add_router("", app.flat_router)
speak_for(api)


def api_urls() -> Any:
    """The API's URLs.

    Endpoints ask for session or token themselves and answer 401 where pages go to the login.
    """
    patterns, app_name, namespace = api.urls
    for pattern in patterns:
        if isinstance(pattern, URLPattern) and pattern.name not in BEHIND_THE_LOGIN:
            login_not_required(pattern.callback)
    return patterns, app_name, namespace
