"""A region: one fragment, arguments, role and language. One query and one diff serve all its viewers (rule
2).
"""

import asyncio
from typing import Any, Protocol

import structlog
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404
from django.template.loader import render_to_string
from django.utils import translation

from apps.live import frames, render
from apps.live.db import db
from apps.live.ear import Ear
from apps.live.fragments import Args, Fragment
from apps.live.render import Rendered
from apps.live.rhythm import Follower
from apps.live.viewers import Viewer

logger = structlog.get_logger(__name__)
Key = tuple[str, str, str, Viewer]


class Viewing(Protocol):
    """A page that looks at regions: takes frames, or asks for the whole region again when
    it cannot keep up.
    """

    def offer(self, region: "Region", messages: list[str]) -> None: ...


class Region(Follower):
    """What all viewers of it see now; only the hub makes and drops regions."""

    def __init__(self, ear: Ear, fragment: Fragment, viewer: Viewer, args: Args, dom_id: str) -> None:
        super().__init__()
        self.fragment, self.viewer, self.args, self.dom_id = fragment, viewer, args, dom_id
        self.viewers: set[Viewing] = set()
        self.state: Rendered | None = None
        self.closed = False
        self.lock = asyncio.Lock()
        self.looks = 0
        self._ear = ear
        self._topics: frozenset[str] | None = None

    def __str__(self) -> str:
        return f"{self.fragment.name} {dict(self.args)}"

    async def join(self, viewing: Viewing) -> bool:
        """Give the newcomer the region's state and from then on what changes. False when the region was
        dropped.

        Subscribed before the first read, under the lock of the refreshes, so that no change falls between
        (rule 3).
        """
        async with self.lock:
            if self.closed:
                return False
            self.viewers.add(viewing)
            if self.state is not None:
                viewing.offer(self, frames.whole(self.dom_id, self.state))
            else:
                await self._first_look()
            return True

    async def leave(self, viewing: Viewing) -> bool:
        """One viewer less; True when it was the last one and the region is dropped (rule 4)."""
        self.viewers.discard(viewing)
        async with self.lock:
            if self.viewers or self.closed:
                return False
            self.closed = True
            self.rest()
            await self._ear.unwant(self, self._topics or ())
            return True

    def whole(self) -> list[str]:
        """The whole region as it was last seen, for a page that fell behind."""
        return [] if self.state is None else frames.whole(self.dom_id, self.state)

    async def refresh(self) -> None:
        """Look again and tell everybody what differs; equal state sends nothing."""
        async with self.lock:
            if not self.closed:
                await self._look_again()

    async def _first_look(self) -> None:
        """A failure here must not end the newcomer's socket: the rhythm tries again."""
        try:
            await self._look_again()
        except Exception:
            logger.exception("live_first_look_failed", region=str(self))
            self.poke_later()

    async def _look_again(self) -> None:
        if self._topics is None:
            names = frozenset(await db(_topics, self.fragment, self.args))
            await self._ear.want(self, names)
            self._topics = names
            self.poke_later()
        self.looks += 1
        now = await db(_rendered, self.fragment, self.viewer, self.args, self.dom_id)
        messages = frames.difference(self.dom_id, self.state, now)
        self.state = now
        for viewing in list(self.viewers) if messages else ():
            viewing.offer(self, messages)


def _topics(fragment: Fragment, args: Args) -> list[str]:
    try:
        return list(fragment.topics(**args))
    except (Http404, ObjectDoesNotExist):
        return []


def _rendered(fragment: Fragment, viewer: Viewer, args: Args, dom_id: str) -> Rendered:
    try:
        return render.render(fragment, viewer, args, dom_id)
    except (Http404, ObjectDoesNotExist):
        return gone(viewer)


def gone(viewer: Viewer, template: str = "live/gone.html", **context: Any) -> Rendered:
    """What stands in place of a fragment whose object does not exist any more."""
    with translation.override(viewer.language):
        return Rendered(shell=render_to_string(template, context), finished=True)
