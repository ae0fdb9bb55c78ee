"""How often somebody may: a sliding window in Redis, shared by all web processes.

The window counts this period's calls and a falling share of the last one's, so that a limit cannot be
doubled at the turn of a minute. Redis away lets everybody through (and says so in the log): a limiter
must not take the portal down with it.
"""

import math
import time
from dataclasses import dataclass
from functools import cache

import structlog
from django.conf import settings
from django.utils.translation import gettext as _
from redis import Redis
from redis.exceptions import RedisError

logger = structlog.get_logger(__name__)
PERIODS = {"s": 1, "m": 60, "h": 3600}
REST_AFTER_FAILURE = 5.0


class TooOften(Exception):
    """A limit is reached; `retry_after` seconds until the next call passes."""

    problem_status = 429
    problem_code = "too_many_requests"

    def __init__(self, retry_after: float) -> None:
        seconds = max(1, math.ceil(retry_after))
        super().__init__(_("Too many requests; try again in %(seconds)s s.") % {"seconds": seconds})
        self.retry_after = retry_after


@dataclass(frozen=True)
class Rate:
    """So many calls per so many seconds."""

    calls: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """From "600/m". ValueError for anything else."""
        calls, _slash, period = text.partition("/")
        if period not in PERIODS or not calls.isdigit() or int(calls) < 1:
            raise ValueError(f"Not a rate: {text!r}; write it like 600/m")
        return cls(int(calls), PERIODS[period])


@cache
def _redis(url: str) -> Redis:
    return Redis.from_url(url, socket_connect_timeout=0.5, socket_timeout=0.5)


class _Rest:
    """While Redis is away, ask it only now and then: each question costs its time-out."""

    until = 0.0


def spend(what: str, who: object, rate: str, *, now: float | None = None) -> None:
    """Count one call of `who`; TooOften when the rate ("600/m") is used up. Refused calls are not counted."""
    now = time.time() if now is None else now
    if time.monotonic() < _Rest.until:
        return
    try:
        wait = _spend(f"{settings.REDIS_PREFIX}:rate:{what}:{who}", Rate.parse(rate), now)
    except RedisError as error:
        _Rest.until = time.monotonic() + REST_AFTER_FAILURE
        logger.warning("rate_limit_unavailable", what=what, error=type(error).__name__)
        return
    if wait > 0:
        raise TooOften(wait)


def _spend(key: str, rate: Rate, now: float) -> float:
    """Seconds to wait, 0 when the call is within the rate."""
    window, passed = divmod(now, rate.seconds)
    current = f"{key}:{int(window)}"
    with _redis(settings.REDIS_URL).pipeline() as pipe:
        pipe.get(f"{key}:{int(window) - 1}")
        pipe.incr(current)
        pipe.expire(current, 2 * rate.seconds)
        last, used, _ok = pipe.execute()
    wait = seconds_to_wait(rate, last=int(last or 0), used=used - 1, passed=passed)
    if wait > 0:
        _redis(settings.REDIS_URL).decr(current)
    return wait


def seconds_to_wait(rate: Rate, *, last: int, used: int, passed: float) -> float:
    """How long until one more call fits, with `last` and `used` calls in the last and in this window."""
    room = rate.calls - used - 1
    if room < 0:
        return rate.seconds - passed
    share_allowed = room / last if last else 1.0
    return max(0.0, (1 - share_allowed) * rate.seconds - passed)
