"""What every page's frame shows: the cluster in the URL, the clusters to switch to, what the person may
open.
"""

from typing import Any

from django.http import HttpRequest

from apps.accounts import policy
from apps.clusters import selectors


def frame(request: HttpRequest) -> dict[str, Any]:
    """Template context of the frame; empty for people who are not logged in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or request.path.startswith(("/api/", "/admin/")):
        return {}
    slug = request.resolver_match.kwargs.get("cluster", "") if request.resolver_match else ""
    clusters = list(selectors.clusters(user))
    current = next(
        (cluster for cluster in clusters if cluster.slug == slug), clusters[0] if len(clusters) == 1 else None
    )
    return {
        "frame_clusters": clusters,
        "frame_cluster": current,
        "frame_role": policy.role_of(user, current.slug if current else ""),
        "frame_admin": policy.is_admin(user),
    }
