"""The Celery application: two queues, and a beat whose only work is to look after operations and live pages.

The queue carries ids only; the database decides who runs what (docs/operations.md).
"""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hyperpod_site.settings")

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
    beat_scheduler="celery.beat:Scheduler",  # in memory: every duty may simply run at once after a restart
)
app.autodiscover_tasks()


@setup_logging.connect  # type: ignore[untyped-decorator]  # celery ships no types
def keep_our_logging(**_kwargs: Any) -> None:
    """Celery replaces the root handlers unless someone answers this signal; settings.py has set them."""
