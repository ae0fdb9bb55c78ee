"""What every page's frame shows: the sidebar, the cluster in the URL, the clusters to switch to, what the
person may open.
"""

from functools import partial
from typing import Any

from django.http import HttpRequest

from apps.accounts import policy
from apps.clusters import selectors
from apps.live.viewers import viewer_of
from apps.operations import permissions as operations
from hyperpod_site import navigation


def frame(request: HttpRequest) -> dict[str, Any]:
    """Template context of the frame; empty for people who are not logged in.

    The sidebar is made only where a template shows it.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or request.path.startswith(("/api/", "/admin/")):
        return {}
    match = request.resolver_match
    slug = match.kwargs.get("cluster", "") if match else ""
    clusters = list(selectors.clusters(user))
    current = next(
        (cluster for cluster in clusters if cluster.slug == slug), clusters[0] if len(clusters) == 1 else None
    )
    own = current.slug if current else ""
    urls = navigation.switches(match, [cluster.slug for cluster in clusters])
    return {
        "frame_clusters": [(cluster, urls[cluster.slug]) for cluster in clusters],
        "frame_cluster": current,
        "frame_groups": partial(navigation.groups, match, cluster=own, admin=policy.is_admin(user)),
        "frame_role": policy.role_of(user, own),
        "frame_operations": viewer_of(user).may(operations.VIEW),
    }
