"""Liveness and readiness, for whatever runs the portal; asked by machines, in no person's name."""

import logging
from collections.abc import Callable

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from hyperpod_site.middleware import Answer, Edge

log = logging.getLogger(__name__)
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
WELL = "ok"


class ProbeMiddleware(Edge):
    """Answers the probes before anything else looks at them.

    A kubelet and a Prometheus ask by the pod's address and without TLS: the checks of host and https, right
    for browsers, would refuse them. Sessions, locks and logs of requests are not for them either.
    """

    def before(self, request: HttpRequest) -> HttpResponseBase | None:
        """The probe's answer; None for everything else."""
        if request.path_info not in PROBES:
            return None
        view: Callable[[HttpRequest], HttpResponseBase] = resolve(request.path_info).func
        return view(request)

    def __call__(self, request: HttpRequest) -> Answer:
        """As every edge, but that a probe may ask the database, which is not for the event loop."""
        if self.is_async and request.path_info in PROBES:
            return sync_to_async(self._probe)(request)
        return super().__call__(request)

    def _probe(self, request: HttpRequest) -> HttpResponseBase:
        answer = self.before(request)
        assert answer is not None
        return answer


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process answers at all."""
    return JsonResponse({"status": WELL})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the parts without which no page works are well; 503 says which are not, in fixed words.

    What they themselves say of a failure may hold addresses and names of users: that is only in the log.
    """
    parts = {"postgres": postgres(), "redis": redis(), "migrations": WELL}
    if parts["postgres"] == WELL:
        parts["migrations"] = migrations()
    well = all(state == WELL for state in parts.values())
    return JsonResponse({"ready": well, "parts": parts}, status=200 if well else 503)


def postgres() -> str:
    """ "ok", or that it does not answer."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        log.warning("postgres does not answer: %s", error)
        return "does not answer"
    return WELL


def redis() -> str:
    """ "ok", or that it does not answer."""
    try:
        cache.get("readyz")
    except RedisError as error:
        log.warning("redis does not answer: %s", error)
        return "does not answer"
    return WELL


_migrated: set[str] = set()


def migrations() -> str:
    """ "ok" when every migration of this version is applied; that is remembered for the process' life."""
    if WELL not in _migrated:
        try:
            missing = missing_migrations()
        except DatabaseError as error:
            log.warning("migrations cannot be read: %s", error)
            return "cannot be read"
        if missing:
            return f"{missing} not applied"
        _migrated.add(WELL)
    return WELL


def missing_migrations() -> int:
    """How many migrations of this version the database lacks."""
    loader = MigrationLoader(connection, ignore_no_migrations=True)
    return len(loader.disk_migrations.keys() - loader.applied_migrations.keys())
