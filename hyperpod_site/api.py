"""The JSON API: canonical paths `/api/c/<cluster>/...` and the flat paths of the earlier panel's users."""

from ninja import NinjaAPI

from apps.accounts.api_auth import authentication
from apps.clusters import api as clusters
from apps.inference import api as inference
from apps.operations import api as operations
from apps.pools import api as pools

api = NinjaAPI(
    title="HyperPod Portal",
    version="1",
    description="Session cookie with CSRF token, or `Authorization: Bearer <token>` from your profile page.",
    auth=authentication,
    urls_namespace="api",
)
api.add_router("/operations", operations.router)
for app in (clusters, inference, pools):
    api.add_router("/c/{cluster}", app.router)
    api.add_router("", app.flat_router)
