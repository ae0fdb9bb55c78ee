"""Valkey as Celery's broker, for workers that outlive its outages."""

import structlog
from kombu.transport import redis
from redis.exceptions import RedisError

logger = structlog.get_logger(__name__)


class PatientQoS(redis.QoS):
    """Kombu's book of messages in hand, whose giving back may fail.

    A worker with work in hand whose broker goes away closes its connection, and kombu (5.7) gives back the
    messages through the very pool that it has just closed: an AttributeError that ends the whole worker. The
    messages are no loss: operations.sweeper sends again what nobody runs.
    """

    def restore_unacked_once(self, stderr: object = None) -> None:
        """As kombu's; what cannot be given back is left to the sweeper."""
        try:
            super().restore_unacked_once(stderr)  # type: ignore[no-untyped-call]  # kombu ships no types
        except (AttributeError, RedisError, OSError) as error:
            logger.warning("messages_not_given_back", error=str(error))

    def ack(self, delivery_tag: str) -> None:
        """As kombu's; a task that ends after its connection was closed has nothing left to give back to."""
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]  # kombu ships no types
        except (AttributeError, RedisError, OSError) as error:
            logger.warning("message_not_acknowledged", error=str(error))


def use_patience() -> None:
    """Have every connection of this process use it."""
    redis.Channel.QoS = PatientQoS
