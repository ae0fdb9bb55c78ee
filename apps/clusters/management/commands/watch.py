"""`manage.py watch`: the process that keeps the mirror. Start as many as you like: one leads, the others
stand by.
"""

import signal
from typing import Any

import structlog
from django.core.management.base import BaseCommand

from apps.clusters.watching import LOCK, Watcher
from apps.live.alive import Stop
from apps.live.leader import Leadership

logger = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Follow every registered cluster and keep the mirror; a second watcher stands by."

    def handle(self, *args: Any, **options: Any) -> None:
        """Lead or stand by until SIGTERM or SIGINT."""
        stop = Stop()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_given: stop.set())
        with Leadership(LOCK) as leader:
            while leader.wait(stop):
                logger.info("watch_leads")
                Watcher().run(stop, leader)
        logger.info("watch_ended")
