"""When a drained pod is really idle: out of the endpoints, and no request seen twice, some seconds apart.

A pod whose label has changed can still get requests while endpoints and the nodes' proxies lag behind, so the
first sight of an idle engine is not believed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.gateways import labels
from apps.gateways.errors import GatewayError
from apps.gateways.kubernetes import Kubernetes
from apps.pools.engine import Load, load_of
from apps.pools.live_view import PodFacts, read_pod
from apps.pools.models import Intent

UNKNOWN_LOAD = timedelta(seconds=30)


@dataclass(frozen=True)
class Sight:
    """One look at a draining pod: whether it may go on, and words for people."""

    over: bool
    words: str


def look_at(kubernetes: Kubernetes, intent: Intent, *, timeout: timedelta) -> Sight:
    """Look at the pod of a done `draining` intent. Raises GatewayError when the cluster does not answer."""
    pod = read_pod(kubernetes, namespace=intent.pool.namespace, name=intent.pod_name)
    if pod is None or pod.uid != intent.pod_uid or not pod.alive:
        return Sight(over=True, words=_("%(pod)s is gone.") % {"pod": intent.pod_name})
    started = intent.settled_at or intent.made_at
    listed = listed_in_endpoints(kubernetes, pod)
    load = load_or_none(kubernetes, pod)
    words = describe(pod, load, listed)
    if timezone.now() - started >= timeout:
        return Sight(over=True, words=_("Time is up: %(words)s") % {"words": words})
    return Sight(over=settled_down(intent, load, listed, started), words=words)


def settled_down(intent: Intent, load: Load | None, listed: bool, started: datetime) -> bool:
    """Whether the pod has been seen idle and unlisted before, long enough ago. Keeps the first sight."""
    now = timezone.now()
    if load is not None and not load.known:
        return not listed and now - started >= UNKNOWN_LOAD
    if listed or load is None or not load.idle:
        remember(intent, None)
        return False
    if intent.idle_since is None:
        remember(intent, now)
        return False
    return now - intent.idle_since >= timedelta(seconds=settings.PORTAL_DRAIN_SETTLE)


def remember(intent: Intent, since: datetime | None) -> None:
    """Keep since when the pod is seen idle."""
    if intent.idle_since != since:
        intent.idle_since = since
        Intent.objects.filter(pk=intent.pk).update(idle_since=since)


def load_or_none(kubernetes: Kubernetes, pod: PodFacts) -> Load | None:
    """The pod's requests; None when it did not answer this time."""
    try:
        return load_of(kubernetes, pod)
    except GatewayError:
        return None


def listed_in_endpoints(kubernetes: Kubernetes, pod: PodFacts) -> bool:
    """Whether a business service's endpoints still list the pod, asked of the cluster itself."""
    selector = labels.selector({labels.MODEL: pod.pool, labels.SERVICE_TYPE: labels.BUSINESS_SERVICE})
    slices = kubernetes.list("endpointslices", namespace=pod.namespace, label_selector=selector)
    return any(
        (endpoint.get("targetRef") or {}).get("uid") == pod.uid
        for item in slices
        for endpoint in item.get("endpoints") or []
    )


def describe(pod: PodFacts, load: Load | None, listed: bool) -> str:
    """ "pod-1: 2 requests left, still in the endpoints"."""
    if load is None:
        work = _("does not answer")
    elif not load.known:
        work = _("does not tell its requests")
    else:
        left = load.running + load.waiting
        work = ngettext("%(count)d request left", "%(count)d requests left", left) % {"count": left}
    place = _("still in the endpoints") if listed else _("out of the endpoints")
    return f"{pod.name}: {work}, {place}"
