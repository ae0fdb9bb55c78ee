"""What a pod is doing, in a few words for its card."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.clusters.kinds.pods import TERMINAL
from apps.gateways import labels
from apps.pools.lines import PodLine
from apps.pools.load.ring import Sample


@dataclass(frozen=True)
class State:
    """A state's words and badge colour, and since when it is so (None: not told)."""

    words: str
    colour: str
    since: datetime | None = None


def state_of(line: PodLine) -> State:
    """The first that is true, the most urgent first."""
    return ended(line) or leaving(line) or unready(line) or standing(line)


def ended(line: PodLine) -> State | None:
    """A pod that serves nobody any more, or is of another version than the pool runs."""
    facts = line.pod.facts
    if facts.deleting:
        return State(_("ending"), "secondary")
    if facts.phase in TERMINAL:
        return State(_("ended: %(state)s") % {"state": facts.state}, "red")
    if not line.pod.live:
        return State(_("earlier version"), "secondary")
    return None


def leaving(line: PodLine) -> State | None:
    """A pod between two businesses, or on its way out of the pool."""
    left = requests_left(line.load.now if line.load else None)
    if line.pod.facts.business == labels.DRAINING:
        return State(_("draining, %(left)s") % {"left": left} if left else _("draining"), "blue")
    if line.pod.facts.business == labels.RETIRING:
        return State(_("retiring, %(left)s") % {"left": left} if left else _("retiring"), "blue")
    if line.moving:
        return State(_("being moved"), "blue")
    return None


def requests_left(now: Sample | None) -> str:
    """ "2 requests left"; empty when the engine does not tell."""
    if now is None:
        return ""
    count = now.running + now.waiting
    return ngettext("%(count)d request left", "%(count)d requests left", count) % {"count": count}


def unready(line: PodLine) -> State | None:
    """A pod that is not Ready (yet)."""
    facts = line.pod.facts
    if facts.ready:
        return None
    if not facts.node:
        return State(_("waiting for a GPU"), "yellow", line.pod.created_at)
    if line.pod.warming:
        words = _("starting: loading weights") if facts.state == "Running" else facts.state
        return State(words, "blue", line.pod.created_at)
    return State(_("not Ready: %(state)s") % {"state": facts.state}, "red", parsed(facts.ready_changed))


def standing(line: PodLine) -> State:
    """A Ready pod: free, or serving once the endpoints have switched."""
    since = line.holding.from_at if line.holding else None
    if line.pod.facts.business == labels.UNASSIGNED:
        return State(_("free"), "secondary", since)
    mine = line.current
    if mine and mine.switched_at is None:
        return State(_("waiting for endpoints"), "blue", since)
    return State(_("serving"), "green", (mine.switched_at if mine else None) or since)


def parsed(text: str) -> datetime | None:
    """A moment of the mirror, which keeps ISO text."""
    return parse_datetime(text) if text else None
