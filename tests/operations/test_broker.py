"""What a worker holds when its broker's connection is closed under it costs the message, not the worker."""

import uuid
from collections.abc import Iterator

import pytest
from kombu import Message, Queue

from hyperpod_site.celery import app


@pytest.fixture
def message() -> Iterator[Message]:
    """A message that was taken and is not acknowledged yet."""
    with app.connection_for_write() as connection:
        queue = Queue(f"held-{uuid.uuid4().hex}", channel=connection.default_channel)
        queue.declare()
        connection.Producer().publish({}, routing_key=queue.name)
        taken = queue.get()
        assert taken is not None
        yield taken
        with app.connection_for_write() as other:
            queue.bind(other.default_channel).delete()


def test_a_task_that_ends_after_its_connection_does_no_harm(message: Message) -> None:
    message.channel.close()
    message.channel._disconnect_pools()  # as after a close that found the broker away
    message.ack()
