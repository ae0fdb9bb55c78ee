"""True words about a pod that somebody else moved or is moving."""

from datetime import datetime
from typing import TypeGuard
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.pools.handover import rules
from apps.pools.live_view import PodFacts
from apps.pools.models import Holding, Intent, PoolRecord


def being_moved(intent: Intent) -> str:
    """Another change of this pod is under way."""
    words = _("%(pod)s is being moved by %(who)s at this moment; it will be %(place)s.")
    who = intent.actor_name or _("the portal")
    return words % {"pod": intent.pod_name, "who": who, "place": rules.place(intent.business)}


def moved(record: PoolRecord, pod: PodFacts) -> str:
    """Where the pod is now, who put it there and when."""
    intent = Intent.objects.filter(pk=pod.stamp).first() if is_stamp(pod.stamp) else None
    if intent and intent.business == pod.business:
        return sentence(pod, intent.actor_name, intent.settled_at or intent.made_at)
    holding = Holding.objects.filter(pool=record, pod_uid=pod.uid, to_at=None, business=pod.business).first()
    if holding:
        return sentence(pod, holding.by, holding.from_at)
    return sentence(pod, pod.writer, None)


def sentence(pod: PodFacts, who: str, when: datetime | None) -> str:
    """ "pod-1 was moved by alice 3 s ago: it is lent to testing." """
    facts = {"pod": pod.name, "who": who or _("someone"), "place": rules.place(pod.business)}
    if when is None:
        return _("%(pod)s was moved by %(who)s: it is %(place)s.") % facts
    return _("%(pod)s was moved by %(who)s %(ago)s: it is %(place)s.") % {**facts, "ago": ago(when)}


def ago(when: datetime) -> str:
    """ "3 s ago", "2 minutes ago"."""
    seconds = max(0, round((timezone.now() - when).total_seconds()))
    if seconds < 60:
        return _("%(seconds)d s ago") % {"seconds": seconds}
    minutes = seconds // 60
    return ngettext("%(count)d minute ago", "%(count)d minutes ago", minutes) % {"count": minutes}


def is_stamp(text: str | None) -> TypeGuard[str]:
    """Whether an annotation's text is the id of an intent (anybody may write an annotation)."""
    try:
        return text is not None and str(UUID(text)) == text
    except ValueError:
        return False
