"""What Prometheus reads at /metrics: how this web process answers, and what the database and Valkey know.

Whoever asks must bring PORTAL_METRICS_TOKEN; where none is set, there is no such page (docs/adr/0006).
"""

import hmac
import time
from functools import cache

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe
from django_structlog.signals import bind_extra_request_finished_metadata
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from hyperpod_site.gauges import DatabaseGauges, LiveGauges, QueueGauges
from hyperpod_site.middleware import Edge

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
BEGAN = "portal.began"

REQUESTS = Counter(
    "portal_http_requests", "Answers by view and status", ["view", "method", "status"], registry=None
)
SECONDS = Histogram(
    "portal_http_request_seconds",
    "Seconds until an answer begins, by view",
    ["view", "method"],
    buckets=BUCKETS,
    registry=None,
)


class MeasureMiddleware(Edge):
    """Counts and times every answer by the name of its view, so that no address becomes a label."""

    def before(self, request: HttpRequest) -> HttpResponseBase | None:
        """Note the time."""
        request.META[BEGAN] = time.perf_counter()
        return None

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Count."""
        view, method = view_name(request), method_of(request)
        REQUESTS.labels(view, method, str(response.status_code)).inc()
        SECONDS.labels(view, method).observe(time.perf_counter() - request.META[BEGAN])
        return response


def view_name(request: HttpRequest) -> str:
    """`pools:assign`; "none" for what reached no view: static files, and addresses that do not exist."""
    match = request.resolver_match
    return match.view_name if match is not None else "none"


def method_of(request: HttpRequest) -> str:
    """The method; anything that a client made up is "other"."""
    return request.method if request.method in METHODS else "other"


@receiver(bind_extra_request_finished_metadata)
def name_the_view(request: HttpRequest, log_kwargs: dict[str, object], **_: object) -> None:
    """The log's line of a request names its view: addresses hold signed parts and what people search for."""
    log_kwargs["request"] = f"{method_of(request)} {view_name(request)}"
    if BEGAN in request.META:
        log_kwargs["milliseconds"] = round((time.perf_counter() - request.META[BEGAN]) * 1000)


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything in Prometheus' text form. 404 without a configured token, 401 without the right one."""
    if not settings.PORTAL_METRICS_TOKEN:
        return HttpResponse(status=404)  # no page: this is answered before sessions and people are known
    if not permitted(request.headers.get("Authorization", "")):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(
        generate_latest(registry()), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"}
    )


def permitted(header: str) -> bool:
    """Whether the header brings the token; compared in constant time."""
    wanted = f"Bearer {settings.PORTAL_METRICS_TOKEN}"
    return hmac.compare_digest(header.encode(), wanted.encode())


@cache
def registry() -> CollectorRegistry:
    """What is collected; made at the first question."""
    made = CollectorRegistry()
    for collector in (REQUESTS, SECONDS, LiveGauges(), DatabaseGauges(), QueueGauges()):
        made.register(collector)
    ProcessCollector(registry=made)
    return made
