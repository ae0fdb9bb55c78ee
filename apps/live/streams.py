"""Streams: text that only grows (an operation's lines). The page's cursor says how far it has read (rules
20-23).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from apps.live.fragments import Args, nobody_else
from apps.live.viewers import Viewer

LIMIT = 500


@dataclass(frozen=True)
class Stream:
    """Something that grows.

    `read_after(args, cursor, limit)` gives (html of at most `limit` lines after the cursor, the cursor after
    them); the same cursor means that there is nothing more now. The html is the same for everybody who may
    see the stream. `topics(**args)` announce growth; permission and `allowed` are as in Fragment.
    """

    name: str
    read_after: Callable[[Args, int, int], tuple[str, int]]
    topics: Callable[..., Iterable[str]]
    permission: str
    allowed: Callable[..., bool] = nobody_else

    def may(self, viewer: Viewer, args: Args) -> bool:
        """Whether these people may read this stream."""
        return viewer.may(self.permission, str(args.get("cluster", ""))) and self.allowed(viewer, **args)


_streams: dict[str, Stream] = {}


def register(stream: Stream) -> Stream:
    """Make a stream known, in an app's `fragments.py`. A second one of that name is a ValueError."""
    if _streams.setdefault(stream.name, stream) is not stream:
        raise ValueError(f"The stream {stream.name} is registered twice")
    return stream


def unregister(name: str) -> None:
    """Forget a stream: for tests that bring their own."""
    _streams.pop(name, None)


def stream_named(name: str) -> Stream:
    """The registered stream; KeyError when there is none."""
    return _streams[name]


def registered() -> list[Stream]:
    """Every stream, by name."""
    return [_streams[name] for name in sorted(_streams)]
