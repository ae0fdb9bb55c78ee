"""Small regular duties of higher apps, called by the beat without their knowing Celery.

    @periodic("pools.settle open intents", every=5)
    def settle_open() -> None: ...

Put them in `<app>/operations.py`, which every worker imports. `every` is at least the sweep's 5 s. Two
beats, or two workers, call a duty once: a conditional UPDATE of its row decides. What it raises is logged,
no more.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from apps.operations.models import Duty

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Periodic:
    """A duty: its unique `name`, its work, and the seconds from one start to the next."""

    name: str
    work: Callable[[], object]
    every: float


_duties: dict[str, Periodic] = {}


def periodic(name: str, *, every: float) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Have the decorated function called about every `every` seconds on the quick queue."""

    def register(work: Callable[[], object]) -> Callable[[], object]:
        if name in _duties:
            raise ValueError(f"two duties are called {name}")
        _duties[name] = Periodic(name, work, every)
        return work

    return register


def take_due() -> list[str]:
    """The names of the duties whose time has come, each given to one caller only."""
    return [duty.name for duty in _duties.values() if _take(duty)]


def call_soon(name: str) -> None:
    """Have the duty called once the running transaction is committed, besides its regular calls. Never
    raises: where the broker is away, the regular call comes.
    """
    transaction.on_commit(partial(_send, name), robust=True)


def _send(name: str) -> None:
    from apps.operations.tasks import duty  # tasks import the duties

    try:
        duty.apply_async((name,), queue="quick", expires=60)
    except Exception:
        log.warning("duty %s not called early", name, exc_info=True)


def call(name: str) -> None:
    """Do the duty now."""
    duty = _duties.get(name)
    if duty is None:
        return
    try:
        duty.work()
    except Exception:
        log.exception("periodic duty %s failed", name)


def _take(duty: Periodic) -> bool:
    Duty.objects.get_or_create(name=duty.name)
    early = timedelta(seconds=min(1.0, duty.every / 10))  # the beat's own ticks wander a little
    ready = Q(called_at=None) | Q(called_at__lte=Now() - (timedelta(seconds=duty.every) - early))
    return bool(Duty.objects.filter(ready, name=duty.name).update(called_at=Now()))
