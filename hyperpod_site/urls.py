"""The site map."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from hyperpod_site import health, home, metrics
from hyperpod_site.api import api_urls

cluster_urls: list[URLPattern | URLResolver] = [
    path("", home.overview, name="overview"),
    path("", include("apps.clusters.urls")),
    path("", include("apps.inference.urls")),
    path("", include("apps.pools.urls")),
]

urlpatterns = [
    path("", home.home, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("c/<slug:cluster>/", include(cluster_urls)),
    path("operations/", include("apps.operations.urls")),
    path("audit/", include("apps.audit.urls")),
    path("accounts/", include("apps.accounts.urls")),
    path("live/", include("apps.live.urls")),
    path("api/", api_urls()),
    path("admin/", admin.site.urls),
]

handler400 = "hyperpod_site.answers.bad_request"
handler403 = "hyperpod_site.answers.permission_denied"
handler404 = "hyperpod_site.answers.not_found"
handler500 = "hyperpod_site.answers.server_error"
