"""Pages of a cluster's hardware."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.requests import UserRequest
from apps.clusters import selectors


@require_safe
def node_list(request: UserRequest, cluster: str) -> HttpResponse:
    """Nodes and their GPUs; `?q=` keeps the nodes whose name, type, group or zone holds the text."""
    row = selectors.cluster(request.user, cluster)
    query = request.GET.get("q", "")[:100]
    return render(request, "clusters/node_list.html", {"cluster": row, "q": query})
