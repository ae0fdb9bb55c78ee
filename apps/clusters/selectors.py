"""What a person may see of the registry, and how well the mirror follows it."""

from dataclasses import dataclass
from datetime import datetime

from django.http import Http404
from django.utils.translation import gettext as _

from apps.accounts import policy
from apps.accounts.models import User
from apps.accounts.requests import UserRequest
from apps.clusters.models import Cluster
from apps.live.models import SyncState


def clusters(user: User) -> list[Cluster]:
    """The active clusters that this person may see, by slug."""
    return list(Cluster.objects.filter(policy.visible_clusters(user).q("slug"), active=True))


def cluster(user: User, slug: str) -> Cluster:
    """One cluster. Raises Http404 when there is none of that slug or the person may not see it."""
    row = Cluster.objects.filter(policy.visible_clusters(user).q("slug"), active=True, slug=slug).first()
    return found(row, slug)


def shown(request: UserRequest) -> list[Cluster]:
    """The clusters that the person may see, asked for once per request: by the view and by the frame."""
    known: list[Cluster] | None = getattr(request, "_clusters", None)
    if known is None:
        known = clusters(request.user)
        request._clusters = known  # type: ignore[attr-defined]  # ours, on this request
    return known


def shown_cluster(request: UserRequest, slug: str) -> Cluster:
    """`cluster`, out of those that the page shows anyway."""
    return found(next((row for row in shown(request) if row.slug == slug), None), slug)


def found(row: Cluster | None, slug: str) -> Cluster:
    """The cluster that was looked for. Raises Http404 for None."""
    if row is None:
        raise Http404(_("There is no cluster “%(slug)s” that you may see.") % {"slug": slug})
    return row


def by_slug(slug: str) -> Cluster:
    """One cluster for a shared rendering, permission checked before. Raises Cluster.DoesNotExist."""
    return Cluster.objects.get(slug=slug)


@dataclass(frozen=True)
class Freshness:
    """How far some kinds of the mirror can be believed.

    `loaded`: every kind was listed at least once; `error` and `since`: why and since when the mirror may lag
    behind (empty and None while it follows).
    """

    loaded: bool
    error: str = ""
    since: datetime | None = None

    @property
    def stale(self) -> bool:
        """Whether the cluster may have moved on since."""
        return bool(self.error)


def freshness(cluster_id: int, *kinds: str) -> Freshness:
    """The worst of the kinds: not loaded if any is not, failing since the first that fails."""
    states = list(SyncState.objects.filter(cluster_id=cluster_id, kind__in=kinds))
    return worst(states, loaded=len(states) == len(kinds) and all(state.loaded for state in states))


def answering(slug: str) -> Freshness:
    """Whether the cluster answers, judged by its nodes and pods; asked on every page, so in one query."""
    place = Cluster.objects.filter(slug=slug).values("pk")
    states = list(SyncState.objects.filter(cluster_id__in=place, kind__in=("nodes", "pods")))
    return worst(states, loaded=len(states) == 2 and all(state.loaded for state in states))


def worst(states: list[SyncState], *, loaded: bool) -> Freshness:
    """Failing since the first that fails, else silent since the longest silence."""
    failing = sorted((state for state in states if state.error and state.failing_since), key=failing_since)
    if failing:
        return Freshness(loaded=loaded, error=failing[0].error, since=failing[0].failing_since)
    silent = [state for state in states if state.loaded and state.stale]
    if silent:
        words = _("The watcher has not reported.")
        return Freshness(loaded=loaded, error=words, since=min(map(last_seen, silent)))
    return Freshness(loaded=loaded)


def failing_since(state: SyncState) -> datetime:
    """When it began to fail; only asked where it fails."""
    assert state.failing_since  # chosen by the caller
    return state.failing_since


def last_seen(state: SyncState) -> datetime:
    """The last moment at which the mirror was known to be current."""
    moment = state.seen_at or state.synced_at
    assert moment  # a loaded kind has been synced
    return moment
