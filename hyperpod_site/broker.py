"""Valkey as Celery's broker, for workers that outlive its outages."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from kombu.transport import redis
from redis.exceptions import RedisError

logger = structlog.get_logger(__name__)


class PatientQoS(redis.QoS):
    """Kombu's book of messages in hand, whose entries may be lost with the connection.

    A worker with work in hand whose broker goes away closes its connection, and kombu (5.7) gives back and
    acknowledges messages through the very pool that it has just closed: an AttributeError that ends the whole
    worker. The messages are no loss: operations.sweeper sends again what nobody runs.
    """

    def restore_unacked_once(self, stderr: object = None) -> None:
        """As kombu's, for as long as there is a connection."""
        with forgiven("messages_not_given_back"):
            super().restore_unacked_once(stderr)  # type: ignore[no-untyped-call]  # kombu ships no types

    def ack(self, delivery_tag: str) -> None:
        """As kombu's, for as long as there is a connection."""
        with forgiven("message_not_acknowledged"):
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]  # kombu ships no types


@contextmanager
def forgiven(event: str) -> Iterator[None]:
    """Log what a closed connection raises, under that name, and go on."""
    try:
        yield
    except (AttributeError, RedisError, OSError) as error:
        logger.warning(event, error=str(error))


def use_patience() -> None:
    """Have every connection of this process use it."""
    redis.Channel.QoS = PatientQoS
