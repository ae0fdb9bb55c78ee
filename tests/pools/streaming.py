"""Streams under way on pods while they change hands."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.engine import chat
from tests.pools.world import World


class Stream(threading.Thread):
    """A long streamed answer of one pod; `ended` is "[DONE]" when it came whole."""

    def __init__(self, world: World, pod: str, tokens: int) -> None:
        super().__init__(daemon=True)
        self.world, self.pod, self.tokens = world, pod, tokens
        self.ended = ""
        self.begun = threading.Event()

    def run(self) -> None:
        world = self.world
        with chat(world.outside, self.pod, namespace=world.namespace, tokens=self.tokens) as answer:
            self.hang_up = answer.close
            for chunk in answer.iter_bytes():
                self.begun.set()
                self.ended = (self.ended + chunk.decode())[-20:]


@contextmanager
def streams_end_whole(world: World, *pods: str, tokens: int) -> Iterator[None]:
    """Each of the pods has a stream under way at the block's beginning, and none of them is cut."""
    streams = [Stream(world, pod, tokens) for pod in pods]
    for stream in streams:
        stream.start()
    for stream in streams:
        assert stream.begun.wait(20), stream.pod
    yield
    for stream in streams:
        stream.join(60)
    assert [stream.pod for stream in streams if "[DONE]" not in stream.ended] == []
