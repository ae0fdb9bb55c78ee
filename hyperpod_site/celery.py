"""The Celery application: two queues, and a beat whose only work is to look after operations and live pages.

The queue carries ids only; the database decides who runs what (docs/operations.md).
"""

import os
from typing import Any

from celery import Celery
from celery.beat import Scheduler
from celery.signals import heartbeat_sent, setup_logging, worker_shutting_down
from django.conf import settings

from hyperpod_site.broker import use_patience

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hyperpod_site.settings")

use_patience()
app = Celery("hyperpod_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_default_queue="quick",
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=200,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": 24 * 3600,
        "global_keyprefix": f"{settings.REDIS_PREFIX}:celery:",
        "socket_timeout": 10,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "max_retries": 1,
        "interval_start": 0,
        "interval_max": 0.2,
    },
    beat_schedule={
        "sweep operations": {"task": "operations.sweep", "schedule": 5.0},
    },
    beat_scheduler="hyperpod_site.celery:LivingScheduler",
)
app.autodiscover_tasks()


@setup_logging.connect  # type: ignore[untyped-decorator]  # celery ships no types
def keep_our_logging(**_kwargs: Any) -> None:
    """Celery replaces the root handlers unless someone answers this signal; settings.py has set them."""


@worker_shutting_down.connect  # type: ignore[untyped-decorator]  # celery ships no types
def give_back(**_kwargs: Any) -> None:
    """SIGTERM: operations go back to the queue at their next step, whoever is left takes them up."""
    from apps.operations import stopping  # needs Django's apps, which are ready by now

    stopping.ask()


@heartbeat_sent.connect  # type: ignore[untyped-decorator]  # celery ships no types
def sign(**_kwargs: Any) -> None:
    """The worker's own loop goes on: every 2 s while it has its broker."""
    from apps.live import alive  # the same

    alive.sign()


class LivingScheduler(Scheduler):  # type: ignore[misc]  # celery ships no types
    """Celery's scheduler in memory (every duty may simply run at once after a restart) that gives signs of
    life, and ends for good when it is closed.
    """

    closed = False

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """One look at what is due; returns the seconds until the next.

        SIGTERM closes the scheduler and raises SystemExit wherever it is; redis's own tidying up may lose
        that in the middle of an answer, and beat would go on and hear no SIGTERM any more.
        """
        sign()
        seconds = float(super().tick(*args, **kwargs))
        if self.closed:
            raise SystemExit
        return seconds

    def close(self) -> None:
        """As Celery's."""
        self.closed = True
        super().close()
