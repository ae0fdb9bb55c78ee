"""The first page: where to go, and what each cluster needs."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from apps.accounts.requests import UserRequest
from apps.clusters import selectors


@require_safe
def home(request: UserRequest) -> HttpResponse:
    """The only cluster's overview, or the choice of clusters."""
    clusters = list(selectors.clusters(request.user))
    if len(clusters) == 1:
        return redirect("overview", cluster=clusters[0].slug)
    return render(request, "home.html", {"clusters": clusters})


@require_safe
def overview(request: UserRequest, cluster: str) -> HttpResponse:
    """One cluster at a glance; each part is a live region of the app that owns it."""
    return render(request, "overview.html", {"cluster": selectors.cluster(request.user, cluster)})
